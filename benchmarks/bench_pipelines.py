"""What every pipeline comes to as a whole, by stack and size: one execution, the first call, quality, agreement."""

from __future__ import annotations

from benchmarks import whole

globals().update(whole.classes())
