"""The memory of another process, now and at its peak, as the kernel counts it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil


def bytes_now(pid: int) -> int:
    """Return the resident set size in bytes; 0 for a process that has ended."""
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def peak_bytes(pid: int) -> int:
    """Return the largest resident set size in bytes since the last reset; that of now without /proc (macOS)."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return bytes_now(pid)


def reset_peak(pid: int) -> None:
    """Reset the peak to the current size, where the kernel allows it (Linux)."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")
