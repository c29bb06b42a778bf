"""The record of the machine, and the noise seen on it.

Everything here is read from outside the workers: nothing imports a framework or starts Julia. Facts about live
libraries (thread counts, BLAS) are recorded by the worker that loaded them.
"""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import twinbench

Record = dict[str, Any]
"""Plain data that goes through JSON."""

BUSY_SHARE = 0.2
"""Share of a core, since its previous reading, above which another process counts as busy."""

LOAD_LIMIT = 0.5
"""Load average (one minute) at the start of a run above which other processes must be running."""

STEAL_LIMIT = 0.01
"""Share of CPU time taken by the hypervisor above which a warning is due."""

FREQUENCY_LIMIT = 0.9
"""Share of the highest frequency seen below which a lower frequency is worth a warning."""

MEMORY_LOW_BYTES = 1 << 30
"""Available memory below which a warning is due."""

STEADY_GOVERNORS = {"performance", None}
"""CPU governors that keep the frequency; None where the machine reports no governor, as most virtual machines."""


def record(threads: int, device: str = "cpu", versions: Mapping[str, Mapping[str, str]] | None = None) -> Record:
    """Record the machine, the system and the versions. ``threads`` and ``device`` are the run's; sizes are in bytes.

    Without ``versions``, those of every framework's packages are recorded.
    """
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "threads": threads,
        "device": device,
        "gpus": [] if device == "cpu" else _gpus(),
        "cpu": _cpu(),
        "load": list(os.getloadavg()),
        "memory": _memory(),
        "os": {"system": platform.system(), "kernel": platform.release(), "description": platform.platform()},
        "container": _container(),
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "twinbench": {"version": twinbench.__version__, **_commit()},
        "frameworks": _frameworks() if versions is None else {name: dict(own) for name, own in versions.items()},
    }


def load() -> float:
    """Return the machine's load average over the last minute; cheap enough to do in every block."""
    return os.getloadavg()[0]


def noise() -> Record:
    """Read the noise on the machine now; cheap enough to do between rounds.

    Rates (steal, busy processes) are over the time since the previous call in this process. The first call has no
    previous call: call `noise` once before the first round.
    """
    import psutil

    return {
        "load": os.getloadavg()[0],
        "frequency_mhz": _frequency_mhz()[0],
        "steal": getattr(psutil.cpu_times_percent(interval=None), "steal", 0.0) / 100,
        "available_bytes": psutil.virtual_memory().available,
        "busy_others": sorted(_busy_others().values()),
    }


def warnings(machine: Record, noises: Iterable[Record]) -> list[str]:
    """Return what may have disturbed the measurements, a sentence each; empty on a quiet machine.

    ``machine`` is the result of `record`, ``noises`` are results of `noise`.
    """
    seen = list(noises)
    return [*_warnings_of_machine(machine), *(_warnings_of_noise(seen) if seen else [])]


def _gpus() -> list[str]:
    """Return name, driver and memory of each GPU, as the driver reports them."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


def _cpu() -> Record:
    import psutil

    current, highest = _frequency_mhz()
    return {
        "model": _cpu_field("model name") or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "physical": psutil.cpu_count(logical=False),
        "logical": psutil.cpu_count(),
        "usable": _usable_cores(),
        "governor": _first_line(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        "frequency_mhz": current,
        "frequency_max_mhz": highest,
        "hypervisor": "hypervisor" in (_cpu_field("flags") or "").split(),
    }


def _frequency_mhz() -> tuple[float | None, float | None]:
    """Return the current and the highest frequency; None where the system doesn't report it."""
    import psutil

    try:
        frequency = psutil.cpu_freq()
    except (OSError, NotImplementedError):
        frequency = None
    return (frequency.current or None, frequency.max or None) if frequency else (None, None)


def _usable_cores() -> float:
    """Return the cores that this process may use: its affinity, or the quota of its control group if that is less."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    quota, _, period = (_first_line(Path("/sys/fs/cgroup/cpu.max")) or "max").partition(" ")
    return min(cores, int(quota) / int(period)) if quota != "max" else cores


def _memory() -> Record:
    import psutil

    memory = psutil.virtual_memory()
    return {
        "total_bytes": memory.total,
        "available_bytes": memory.available,
        "swapped_bytes": psutil.swap_memory().used,
    }


def _cpu_field(name: str) -> str | None:
    """Return a field of the first processor in /proc/cpuinfo."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return None


def _first_line(path: Path) -> str | None:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip() or None
    return None


def _container() -> str | None:
    """Return the likely kind of container, guessed from marker files; None outside a container."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    marks = {"/.dockerenv": "docker", "/run/.containerenv": "podman"}
    marked = (kind for mark, kind in marks.items() if Path(mark).exists())
    return next(marked, _first_line(Path("/run/systemd/container")))


def _commit() -> Record:
    """Return the git commit of this package's checkout, and whether files differ from it; None without a checkout."""
    root = Path(twinbench.__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return {"commit": None, "modified": None}
    commit = _git(root, "rev-parse", "HEAD")
    return {"commit": commit, "modified": bool(_git(root, "status", "--porcelain")) if commit else None}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _frameworks() -> dict[str, dict[str, str | None]]:
    """Return the versions of every framework's packages, by framework; None for a package that isn't installed."""
    from twinbench.frameworks import registry
    from twinbench.plan.stack import versions

    return {name: versions(framework) for name, framework in registry.frameworks().items()}


def _busy_others() -> dict[int, str]:
    """Return the names of busy processes by process id, without this process and its descendants."""
    import psutil

    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    busy = {}
    for process in psutil.process_iter():  # yields the same objects each time, and they remember their last reading
        with contextlib.suppress(psutil.Error):
            if process.pid not in ours and process.cpu_percent(interval=None) / 100 > BUSY_SHARE:
                busy[process.pid] = process.name()
    return busy


def _warnings_of_machine(machine: Record) -> Iterator[str]:
    cpu = machine["cpu"]
    if cpu["governor"] not in STEADY_GOVERNORS:
        yield f"the CPU governor is '{cpu['governor']}': the frequency varies; 'performance' keeps it"
    if machine["threads"] > cpu["usable"]:
        yield f"{machine['threads']} threads on {cpu['usable']:g} usable cores: threads wait for each other"
    if machine["load"][0] > LOAD_LIMIT:
        yield f"the load was {machine['load'][0]:.1f} before anything was measured: something else was running"
    if machine["memory"]["available_bytes"] < MEMORY_LOW_BYTES:
        yield f"only {machine['memory']['available_bytes'] / 2**20:.0f} MiB of memory were available at the start"


def _warnings_of_noise(noises: list[Record]) -> Iterator[str]:
    busy = [noise["busy_others"] for noise in noises if noise["busy_others"]]
    if busy:
        names = sorted({name for others in busy for name in others})
        yield f"other processes were busy in {len(busy)} of {len(noises)} readings: {', '.join(names[:5])}"
    steal = max(noise["steal"] for noise in noises)
    if steal > STEAL_LIMIT:
        yield f"the hypervisor took up to {steal:.0%} of the CPU time away"
    frequencies = [noise["frequency_mhz"] for noise in noises if noise["frequency_mhz"]]
    if frequencies and min(frequencies) < FREQUENCY_LIMIT * max(frequencies):
        yield f"the CPU frequency moved between {min(frequencies):.0f} and {max(frequencies):.0f} MHz"
    least = min(noise["available_bytes"] for noise in noises)
    if least < MEMORY_LOW_BYTES:
        yield f"memory ran low: {least / 2**20:.0f} MiB available"
