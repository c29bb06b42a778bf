"""``twinbench recommend``: sentences, JSON, and a decision record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.results.make_store import PIPELINE, RUN, SIZE, STEPS, make_store, overrule
from twinbench.store.records import Status
from twinbench.store.store import Store


@pytest.fixture
def made(tmp_path: Path) -> str:
    make_store(tmp_path / "results.db")
    return str(tmp_path / "results.db")


def test_the_answer_its_reasons_and_what_is_not_known_are_told(cli, made):
    done = cli("recommend", "--store", made)
    assert done.returncode == 0, done.stderr
    assert "tables: undecided between NumPy+torch" in done.stdout
    assert "choosing Polars+torch instead costs" in done.stdout
    assert "DuckDB+torch: rejected: disagrees" in done.stdout
    assert "DataFrames.jl+Flux: no result: unavailable" in done.stdout


def test_limits_and_weights_are_followed(cli, made):
    done = cli(
        "recommend", "--store", made, "--weights", "cold=1", "--language", "python", "--max-memory", "1G", "--json"
    )
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["weights"] == {"cold": 1.0}
    assert found["candidates"][0]["stack"] == "NumPy+torch"
    assert any("not written in the language python" in one["why"] for one in found["rejected"])


def test_the_decision_record_is_markdown_that_nothing_breaks_out_of(cli, made, tmp_path):
    with Store.open(Path(made)) as store:
        bad = store.add_cell(RUN, PIPELINE, "a|b<script>+torch", SIZE, dict.fromkeys(STEPS, "x"), "f")
        overrule(store, bad, Status.FAILED, kind="exception", reason="no `such`\n# thing")
    done = cli("recommend", "--store", made, "--adr", str(tmp_path / "adr.md"))
    assert done.returncode == 0, done.stderr
    record = (tmp_path / "adr.md").read_text()
    assert "### Decision\n\ntables: undecided" in record
    assert "| NumPy+torch | 116 ms (1.00x) |" in record
    assert RUN in record
    assert r"a\|b&lt;script\>+torch: failed: no \`such\` \# thing" in record
    assert "twinbench recommend --store" in record


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--weights", "speed=x"), "--weights: 'x' is not a number"),
        (("--weights", "sped=1"), "no criterion 'sped'; did you mean 'speed'?"),
        (("--weights", "speed=0"), "at least one must be above 0"),
        (("--language", "rust"), "--language: unknown language 'rust'"),
        (("--max-memory", "much"), "--max-memory: 'much' is not a size"),
        (("--modality", "table"), "no modality 'table'; did you mean 'tables'?"),
        (("--adr", "/nowhere/adr.md"), "/nowhere/adr.md: can't be written"),
    ],
)
def test_bad_arguments_are_one_line(cli, made, arguments, said):
    done = cli("recommend", "--store", made, *arguments)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
