"""How much memory this process holds and has held, from the kernel."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")

MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes: macOS counts ``ru_maxrss`` in them, the others in KiB."""


def _field(name: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


def rss_bytes() -> int:
    """Resident set size now. Where there is no /proc (macOS) ``ps`` is asked; 0 if that doesn't say either."""
    return _field("VmRSS:") or _rss_by_ps()


def _rss_by_ps() -> int:
    import subprocess  # only here: a worker brings in no more than it measures

    try:
        said = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True).stdout
        return int(said) * 1024
    except (OSError, ValueError):
        return 0


def peak_bytes() -> int:
    """The largest resident set size since the last reset, or since the start where resets aren't possible."""
    return _field("VmHWM:") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT


def reset_peak() -> bool:
    """Start the peak anew (Linux). Returns whether that was possible."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
