"""Every op of every pipeline, by framework and size. A new pipeline or framework is measured without a line here."""

from __future__ import annotations

from benchmarks import steps

globals().update(steps.classes())
