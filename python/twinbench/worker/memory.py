"""How much memory this process holds and has held, from the kernel."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def _field(name: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


def rss_bytes() -> int:
    """Resident set size now; 0 where the kernel doesn't say."""
    return _field("VmRSS:") or 0


def peak_bytes() -> int:
    """The largest resident set size since the last reset, or since the start where resets aren't possible."""
    return _field("VmHWM:") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def reset_peak() -> bool:
    """Start the peak anew (Linux). Returns whether that was possible."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
