"""The memory of this process, now and at its peak, as the kernel counts it."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
"""File of the kernel with the memory of this process (Linux)."""

MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes per unit of ``ru_maxrss``: 1 on macOS, 1024 elsewhere."""


def _field(name: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


def rss_bytes() -> int:
    """Return the resident set size now, in bytes. Without /proc (macOS) it comes from ``ps``; 0 if both fail."""
    return _field("VmRSS:") or _rss_by_ps()


def _rss_by_ps() -> int:
    import subprocess  # only here: a worker brings in no more than it measures

    try:
        output = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True).stdout
        return int(output) * 1024
    except (OSError, ValueError):
        return 0


def peak_bytes() -> int:
    """Return the largest resident set size in bytes, since the last reset or, without resets, since the start."""
    return _field("VmHWM:") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT


def reset_peak() -> bool:
    """Reset the peak to the current size (Linux). Returns whether the kernel allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
