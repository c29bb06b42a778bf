"""What a worker says of its memory, with /proc and without."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from twinbench.worker import memory


@pytest.fixture(params=["proc", "no proc"])
def status(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Linux, and as on macOS, where there is no /proc."""
    if request.param == "no proc":
        monkeypatch.setattr(memory, "STATUS", tmp_path / "nothing")


@pytest.mark.usefixtures("status")
def test_the_resident_set_is_what_it_is_for_others():
    assert memory.rss_bytes() == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


@pytest.mark.usefixtures("status")
def test_a_peak_is_not_below_the_resident_set_and_of_its_order():
    rss = psutil.Process().memory_info().rss
    assert 0.8 * rss < memory.peak_bytes() < 100 * rss


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_the_kernels_count_is_taken_in_the_platforms_unit(platform: str, unit: int):
    code = f"import sys; sys.platform = {platform!r}; from twinbench.worker import memory; print(memory.MAXRSS_UNIT)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == f"{unit}\n"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
