"""Text that Markdown leaves alone."""

from __future__ import annotations

import re

from twinbench.views import text


def plain(value: str) -> str:
    """On one line, with everything that Markdown or HTML would act on escaped."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text.clean(value))
