"""The kit as somebody else uses it: their package, pytest in a process of its own, in a directory that is not ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from twinbench import paths
from twinbench.conformance import spec
from twinbench.errors import BadInput

pytest.importorskip("pyarrow")

RIGHT = """
from dataclasses import replace
from twinbench.frameworks.api import Deviation, Framework
from twinbench.ops.contract import Tolerance

def load(threads):
    global pa, np
    import numpy as np
    import pyarrow as pa
    pa.set_cpu_count(threads)

def prepare(value, kind):
    masks = {name: column == "" if column.dtype.kind == "U" else None for name, column in value.items()}
    return pa.table({name: pa.array(column, mask=masks[name], from_pandas=True) for name, column in value.items()})

def extract(table, kind):
    return {name: column(table[name]) for name in table.column_names}

def column(values):
    text = pa.types.is_string(values.type)
    return values.fill_null("").to_numpy().astype("U") if text else values.to_numpy()

def sort(p, table):
    return table.sort_by([(name, "descending" if p.descending else "ascending") for name in p.by])

def impute(p, table):
    for name in p.columns:
        values = table[name].to_numpy()
        known = values[~np.isnan(values)]
        if len(known):
            fill = np.median(known) if p.strategy == "median" else known.mean()
            values = np.where(np.isnan(values), fill, values)
        table = table.set_column(table.column_names.index(name), name, pa.array(values, from_pandas=True))
    return table

def counts():
    return {"cpu": pa.cpu_count()}

FRAMEWORKS = Framework(
    name="PyArrow", language="python", summary="Arrow tables", packages=("pyarrow",), load=load, prepare=prepare,
    extract=extract, threads=counts, ops={"tables.sort": sort, "tables.impute": impute},
)

def has(name, **ops):
    functions = {f"tables.{op}": function for op, function in ops.items()}
    return replace(FRAMEWORKS, name=name, ops=FRAMEWORKS.ops | functions)
"""

WRONG = """
from frames import *
from frames import FRAMEWORKS as RIGHT

def upwards(p, table):
    return table.sort_by([(name, "ascending") for name in p.by])

def mean(p, table):
    return impute(replace(p, strategy="mean"), table)

def shouting(p, table):
    out = sort(p, table)
    return out.rename_columns([name.upper() for name in out.column_names])

def narrow(p, table):
    out = impute(p, table)
    return out.set_column(0, "x", out["x"].cast("float32"))

calls = []
def fickle(p, table):
    calls.append(1)
    out = sort(p, table)
    return out.slice(1) if len(calls) % 2 == 0 and out.num_rows else out

def as_dict(value, kind):
    return dict(value)

def in_place(p, table):
    out = extract(sort(p, prepare(table, "table")), "table")
    table.update(out)
    return out

def lossy(value, kind):
    filled = {n: np.nan_to_num(c) if c.dtype.kind == "f" else c for n, c in value.items()}
    return prepare(filled, kind)

def raises(p, table):
    table[0][0]
    return sort(p, table)

def enlarged(p, table):
    out = impute(p, table)
    return out.set_column(0, "x", pa.array(out["x"].to_numpy() * 1.5, from_pandas=True))

def slack(op, rtol):
    return {op: Deviation(reason="it is coarse", effect="digits are lost", tolerance=Tolerance(rtol=rtol))}

FRAMEWORKS = (
    has("ignores-descending", sort=upwards),
    has("takes-the-mean", impute=mean),
    has("renames-columns", sort=shouting),
    has("is-float32", impute=narrow),
    has("changes-its-mind", sort=fickle),
    replace(has("changes-its-input", sort=in_place), prepare=as_dict, extract=as_dict),
    replace(RIGHT, name="loses-what-is-missing", prepare=lossy),
    has("raises-without-rows", sort=raises),
    replace(RIGHT, name="needs-no-deviation", deviations=slack("tables.sort", 0.5)),
    replace(RIGHT, name="has-no-bound", deviations=slack("tables.sort", 1.0)),
    replace(has("deviates-further", impute=enlarged), deviations=slack("tables.impute", 0.1)),
    has("has-no-such-op", srt=sort),
    replace(RIGHT, name="has-no-version", packages=("pyarrow", "pyarrow-of-tomorrow")),
    has("has-no-source", sort=max),
    replace(RIGHT, name="reads-other-threads", threads=lambda: {"cpu": 7}),
)
"""

CAUGHT = {
    "ignores-descending": "tables.sort::agrees",
    "takes-the-mean": "tables.impute::agrees",
    "renames-columns": "tables.sort::fits",
    "is-float32": "tables.impute::fits",
    "changes-its-mind": "tables.sort::repeats",
    "changes-its-input": "tables.sort::leaves_inputs",
    "loses-what-is-missing": "tables.sort::round_trips",
    "raises-without-rows": "tables.sort::agrees",
    "needs-no-deviation": "tables.sort::needs_deviation",
    "deviates-further": "tables.impute::agrees",
    "has-no-such-op": "framework::names_ops",
    "has-no-bound": "framework::has_bounds",
    "has-no-version": "framework::has_versions",
    "has-no-source": "framework::has_sources",
    "reads-other-threads": "framework::reads_threads",
}
"""By framework of `WRONG`, the check that must fail."""

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that holds nothing but the package of somebody else."""
    site = tmp_path_factory.mktemp("site")
    (site / "frames.py").write_text(RIGHT, encoding="utf-8")
    (site / "wrong.py").write_text(WRONG, encoding="utf-8")
    (site / "early.py").write_text("import pyarrow\nfrom frames import FRAMEWORKS\n", encoding="utf-8")
    return site


def kit(site: Path, *arguments: str) -> Done:
    path = os.pathsep.join([str(paths.PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-p",
        "twinbench.conformance.plugin",
        "-p",
        "no:cacheprovider",
        "-v",
    ]
    env = os.environ | {"PYTHONPATH": path}
    return subprocess.run([*command, *arguments], cwd=site, env=env, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def wrong(site: Path) -> str:
    """What pytest says of all wrong frameworks."""
    checks = sorted({f"conformance::{check}[{name}]" for name, check in CAUGHT.items()})
    done = kit(site, "--twinbench-framework", "wrong:FRAMEWORKS", *checks)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def outcomes(output: str) -> dict[str, str]:
    """Every check with its outcome."""
    return dict(re.findall(r"^conformance::(\S+) (\w+)", output, re.MULTILINE))


def section(output: str, check: str) -> str:
    """What pytest says of a failed check."""
    return re.split(r"\n_+ ", output.partition(f" conformance::{check} of ")[2])[0]


def test_a_right_framework_passes_every_check(site: Path):
    done = kit(site, "--twinbench-framework", "frames:FRAMEWORKS")
    assert done.returncode == 0, done.stdout + done.stderr
    found = outcomes(done.stdout)
    assert set(found.values()) == {"PASSED"}
    afterwards = {"answers_anew", "answers_others", "computes_at_once"}
    checks = {"agrees", "fits", "repeats", "leaves_inputs", "round_trips", "discriminates"} | afterwards
    for op in ("tables.sort", "tables.impute"):
        assert {name.partition("::")[2] for name in found if name.startswith(op)} == checks


@pytest.mark.parametrize("name", CAUGHT)
def test_a_wrong_framework_is_caught(wrong: str, name: str):
    check = f"{CAUGHT[name]}[{name}]"
    assert outcomes(wrong)[check] == "FAILED", wrong
    shown = section(wrong, check)
    if not check.startswith("framework") and name != "needs-no-deviation":
        op = CAUGHT[name].partition("::")[0]
        assert f"{op} of {name}: " in shown
        assert f"op = ops.get('{op}')" in shown


def test_what_is_wrong_is_said_in_words(wrong: str):
    def says(name: str) -> str:
        return section(wrong, f"{CAUGHT[name]}[{name}]")

    assert "the declared deviation of tables.sort is no longer needed" in says("needs-no-deviation")
    assert "'x' is float32 instead of float64" in says("is-float32")
    assert "the call changes input 0: " in says("changes-its-input")
    assert "the second call gives another answer" in says("changes-its-mind")
    assert "IndexError" in says("raises-without-rows")
    assert "tables.srt, which is not an op" in says("has-no-such-op")


def test_a_module_that_imports_its_library_is_caught(site: Path):
    done = kit(site, "--twinbench-framework", "early:FRAMEWORKS", "conformance::framework::imports_late")
    assert done.returncode == 1
    assert "importing early imports pyarrow; import it in load" in done.stdout


def test_the_failing_case_can_be_pasted(wrong: str):
    shown = section(wrong, "tables.sort::agrees[ignores-descending]").partition("The smallest case:")[2]
    lines = [line[4:] for line in shown.splitlines() if line.startswith("    ")]
    program = "\n".join([*lines, "print(params.descending, len(inputs[0]['s']), list(want))"])
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert again.stdout == "True 2 ['s', 'row', 'k', 'x', 'big']\n", again.stderr + shown


def test_expected_failures_are_strict(site: Path, tmp_path: Path):
    lists = tmp_path / "lists"
    lists.write_text("# known\n\ntables.sort sorts upwards only\ntables.impute::agrees takes the mean\n")
    options = ("--twinbench-framework", "wrong:FRAMEWORKS", f"--twinbench-xfails={lists}")
    names = ("tables.sort::agrees[ignores-descending]", "tables.impute::agrees[ignores-descending]")
    done = kit(site, *options, *(f"conformance::{name}" for name in names))
    assert outcomes(done.stdout) == dict(zip(names, ("XFAIL", "FAILED"), strict=True)), done.stdout + done.stderr
    assert "[XPASS(strict)] takes the mean" in done.stdout


def test_checks_are_left_out_with_a_reason(site: Path, tmp_path: Path):
    lists = tmp_path / "lists"
    lists.write_text("tables.sort sorts upwards only\n")
    options = ("--twinbench-framework", "frames:FRAMEWORKS", f"--twinbench-skips={lists}")
    done = kit(site, *options, "conformance::tables.sort")
    assert set(outcomes(done.stdout).values()) == {"SKIPPED"}


def test_a_list_that_names_no_check_is_refused(site: Path, tmp_path: Path):
    lists = tmp_path / "lists"
    lists.write_text("tables.srt it fails\n")
    done = kit(site, "--twinbench-framework", "frames:FRAMEWORKS", f"--twinbench-xfails={lists}")
    assert done.returncode == 4
    message = "'tables.srt' names no check of this framework; did you mean 'tables.sort'?"
    assert done.stderr.strip() == f"ERROR: {lists}, line 1: {message}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frames", "MODULE:NAME"),
        ("farmes:FRAMEWORKS", "No module named 'farmes'; install the package"),
        ("twinbench.frameworks.pandas:FRAMES", "has no attribute 'FRAMES'"),
        ("twinbench.frameworks.pandas:load", "function instead of a twinbench.frameworks.api.Framework"),
        ("frames.jl", "No such file"),
    ],
)
def test_a_framework_that_is_not_there_is_named_in_one_line(name: str, message: str):
    with pytest.raises(BadInput, match=re.escape(message)) as refused:
        spec.resolve(name)
    assert "\n" not in str(refused.value)


def test_a_julia_framework_is_named_by_its_file():
    (framework,) = spec.resolve(str(paths.resource("julia") / "src" / "frameworks" / "dataframes.jl"))
    assert (framework.name, framework.language) == ("DataFrames.jl", "julia")


def test_the_plugin_does_nothing_without_its_option(tmp_path: Path):
    (tmp_path / "test_own.py").write_text("import sys\ndef test():\n    assert 'twinbench.ops' not in sys.modules\n")
    done = kit(tmp_path)
    assert "1 passed" in done.stdout, done.stdout
