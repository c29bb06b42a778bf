"""A request and options written as arguments are the same again once the command has read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from twinbench.cli import main
from twinbench.run.options import DEVICES, LONGEST_S, MOST, Options
from twinbench.run.request import Request

NAMES = st.text("abc019_", min_size=1, max_size=5)
WORDS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=6)
SEVERAL = st.lists(WORDS, max_size=3).map(tuple)
SECONDS = st.floats(0, LONGEST_S, exclude_min=True)
COUNTS = st.integers(1, MOST)
REQUESTS = st.builds(
    Request,
    pipelines=st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    sizes=SEVERAL,
    stacks=SEVERAL,
    directories=st.lists(NAMES.map(lambda name: Path("/nowhere") / name), max_size=2).map(tuple),
    required=SEVERAL,
)
OPTIONS = st.builds(
    Options,
    threads=COUNTS,
    budget_s=SECONDS,
    processes=COUNTS,
    resolve=st.none() | st.floats(0, 1, exclude_min=True, exclude_max=True),
    timeout_s=SECONDS,
    memory_limit=st.none() | st.integers(1, 2**62),
    seed=st.just(0),
    seeds=COUNTS,
    device=st.sampled_from(DEVICES),
)


def read(arguments: list[str], directory: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Request, Options]:
    """What the command makes of its arguments, up to where it would look for the pipelines and measure."""
    taken: list[Any] = []

    def measure(results: object, wanted: Request, parts: object, options: Options, *more: object) -> str:
        taken.extend((wanted, options))
        raise SystemExit(0)

    monkeypatch.setattr("twinbench.cli.run._measured_here", measure)
    for name in ("twinbench.run.request.parts", "twinbench.run.request.require", "twinbench.run.device.require"):
        monkeypatch.setattr(name, lambda *arguments, **named: [])
    done = CliRunner().invoke(main.app, ["run", *arguments], env={"TWINBENCH_DATA_DIR": str(directory)})
    assert done.exit_code == 0, done.output
    request, options = taken
    return request, options


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(REQUESTS, OPTIONS)
def test_what_is_written_as_arguments_is_read_as_the_same(tmp_path_factory, request_: Request, options: Options):
    with pytest.MonkeyPatch.context() as patch:
        arguments = [*request_.as_arguments(), *options.as_arguments()]
        assert read(arguments, tmp_path_factory.getbasetemp(), patch) == (request_, options)


def test_defaults_are_left_out():
    assert Options().as_arguments() == []
    assert Request(pipelines=("noop",)).as_arguments() == ["noop"]
    assert Options(budget_s=60, resolve=0.035).as_arguments() == ["--budget", "60", "--resolve", "3.5%"]
