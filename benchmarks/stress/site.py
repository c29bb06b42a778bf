"""A directory of one's own for a run under stress: an installed plug-in, a store, temporary files, and what is left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PLUGIN = Path(__file__).with_name("mutants.py")


@dataclass(frozen=True, slots=True)
class Site:
    """A directory with everything that a run reads and writes, the cache excepted."""

    directory: Path
    cache: Path

    @property
    def store(self) -> Path:
        """The file of results."""
        return self.directory / "data" / "results.db"

    @property
    def temporary(self) -> Path:
        """The directory for temporary files."""
        return self.directory / "tmp"

    def environment(self, mutants: Sequence[int] = ()) -> dict[str, str]:
        """Return the variables of a command; ``mutants`` are numbers of wrong workers."""
        path = filter(None, (str(self.directory / "site"), os.environ.get("PYTHONPATH")))
        return os.environ | {
            "PYTHONPATH": os.pathsep.join(path),
            "TWINBENCH_CACHE_DIR": str(self.cache),
            "TWINBENCH_DATA_DIR": str(self.directory / "data"),
            "TWINBENCH_MUTANTS": " ".join(map(str, mutants)),
            "TMPDIR": str(self.temporary),
        }

    def start(self, arguments: Sequence[str], mutants: Sequence[int] = ()) -> subprocess.Popen[str]:
        """Start ``twinbench`` here."""
        return subprocess.Popen(
            [sys.executable, "-m", "twinbench", *arguments],
            env=self.environment(mutants),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def left(self) -> list[str]:
        """Describe the processes and temporary files that are left here."""
        mark = f"TWINBENCH_DATA_DIR={self.directory / 'data'}".encode()
        processes = [
            f"process {process.pid} ({process.status()}): {' '.join(process.cmdline())[:60]}"
            for process in psutil.process_iter()
            if mark in _environment(process.pid)
        ]
        files = [str(path.relative_to(self.temporary)) for path in self.temporary.iterdir()]
        return processes + [f"file {name}" for name in files]


def make(directory: Path, cache: Path) -> Site:
    """Make the directory of a site, with the wrong workers as an installed package."""
    facts = directory / "site" / "mutants-0.1.dist-info"
    facts.mkdir(parents=True)
    shutil.copy(PLUGIN, directory / "site" / "mutants.py")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: mutants\nVersion: 0.1\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text("[twinbench.frameworks]\nmutants = mutants:FRAMEWORKS\n", encoding="utf-8")
    site = Site(directory, cache)
    site.temporary.mkdir()
    return site


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
