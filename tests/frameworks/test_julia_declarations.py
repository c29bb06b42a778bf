"""What Julia files declare, read as text: our own, and ones written here."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench import ops
from twinbench.errors import JuliaUnavailable
from twinbench.frameworks import julia as frameworks
from twinbench.frameworks.api import Deviation
from twinbench.frameworks.julia_literals import Literals
from twinbench.ops.contract import Arrays, Tolerance
from twinbench.plan import stack


def test_frameworks_are_listed_without_julia():
    found = {framework.name: framework for framework in frameworks.frameworks()}
    signals = {"DSP.jl", "SignalAnalysis.jl", "MFCC.jl"}
    assert {"DataFrames.jl", "Flux", "probe.jl", *signals} <= set(found)
    assert found["DataFrames.jl"].packages == ("DataFrames", "CSV")
    assert {op.name for op in ops.of_modality("training")} - set(found["Flux"].ops) == {
        "training.batches",
        "training.logistic",
    }
    assert found["probe.jl"].packages == ()
    assert "juliacall" not in sys.modules


def test_julia_holds_the_ops_in_the_order_of_the_contracts():
    found = {framework.name: framework for framework in frameworks.frameworks()}
    for name, modality in {"DataFrames.jl": "tables", "Flux": "training", "probe.jl": "probe"}.items():
        held = set(found[name].ops)
        assert list(found[name].ops) == [op.name for op in ops.of_modality(modality) if op.name in held]


def test_every_julia_op_knows_its_file():
    for framework in frameworks.frameworks():
        assert all(Path(op.source).is_file() for op in framework.ops.values())


def test_a_julia_file_without_its_facts_is_named(tmp_path: Path):
    file = tmp_path / "mine.jl"
    file.write_text('const NAME = "mine"\n')
    with pytest.raises(ValueError, match=r"mine\.jl: 'const PACKAGES = \.\.\.' is missing"):
        frameworks.read(file)


def test_notes_are_read_from_a_julia_file(tmp_path: Path):
    file = tmp_path / "mine.jl"
    facts = 'const NAME = "mine"\nconst PACKAGES = String[]\nconst SUMMARY = "s"\n\n'
    file.write_text(facts + 'const OPS = Dict("a.b" => b)\n\nconst NOTES = Dict("a.b" => "does less")\n')
    framework = frameworks.read(file)
    assert list(framework.ops) == ["a.b"]
    assert framework.notes == {"a.b": "does less"}
    assert framework.deviations == {}


def test_deviations_are_read_from_a_julia_file(tmp_path: Path):
    file = tmp_path / "mine.jl"
    facts = 'const NAME = "mine"\nconst PACKAGES = String[]\nconst SUMMARY = "s"\n\n'
    declared = """const DEVIATIONS = Dict(
        "a.b" => (reason = "rounds twice", effect = "edges are softer", levels = 2, share = 0.01),
        "a.c" => (reason = "another border", rtol = 1.0e-3, atol = 5),
        "a.d" => (reason = "another question", levels = 1, computes = "tests.frameworks.test_julia_declarations:zeros"),
    )"""
    file.write_text(f'{facts}const OPS = Dict("a.b" => b, "a.c" => c, "a.d" => d)\n\n{declared}\n')
    deviations = dict(frameworks.read(file).deviations)
    formula = deviations.pop("a.d").computes
    assert formula is not None
    assert formula(None, {"x": np.ones(2)})["x"].tolist() == [0, 0]
    assert deviations == {
        "a.b": Deviation(reason="rounds twice", effect="edges are softer", tolerance=Tolerance(levels=2), share=0.01),
        "a.c": Deviation(reason="another border", tolerance=Tolerance(rtol=1e-3, atol=5.0)),
    }


def zeros(params: None, arrays: Arrays) -> Arrays:
    """What the library of the test above is said to compute."""
    return {name: np.zeros_like(values) for name, values in arrays.items()}


def test_an_op_before_julia_runs_says_so():
    op = frameworks.frameworks()[0].ops["tables.sort"]
    with pytest.raises(JuliaUnavailable, match="not started"):
        op(None)


FACTS = [
    "const NAME = ",
    '"mine"',
    "\n",
    "const PACKAGES = ",
    "[",
    '"A"',
    ",",
    '"B"',
    "]",
    "\n",
    "const SUMMARY = ",
    '"s"',
    "\n",
]
OPS = [
    *("const OPS = ", "Dict", "{", "String", ",", "Function", "}", "(", '"a.b"', "=>", "b", ",", '"a.c"', "=>"),
    *("(", "p", ",", "x", ")", "->", "f", "(", "p", ",", "[", "x", "]", ")", ",", '"a.d"', "=>", "Mine", ".", "d"),
    *(",", ")", "\n"),
]
DEVIATIONS = [
    *("const DEVIATIONS = ", "Dict", "(", '"a.b"', "=>", "(", "reason", "=", '"off by (one"', ",", "levels", "=", "2"),
    *(",", ")", ",", '"a.c"', "=>", "(", "reason", "=", '"no ]"', ",", "rtol", "=", "1.0e-3", ")", ")", "\n"),
]
NOTES = ["const NOTES = ", "Dict", "(", '"a.b"', "=>", '"""', "less # than\n", '"""', ")", "\n"]
SOURCE = [*FACTS, *OPS, "f(x) = x'\n", *DEVIATIONS, *NOTES]
"""A file in pieces: between any two that are inside of brackets there may be blank lines and comments."""

INSIDE = [
    index
    for index in range(1, len(SOURCE))
    if "".join(SOURCE[:index]).count('"""') % 2 == 0
    and sum("".join(SOURCE[:index]).replace("(one", "").replace("no ]", "").count(b) for b in "([{")
    > sum("".join(SOURCE[:index]).replace("(one", "").replace("no ]", "").count(b) for b in ")]}")
]
FILLER = st.lists(
    st.sampled_from(
        [
            "\n",
            "\n\n",
            " ",
            "\t",
            "# no ) here\n",
            '# "text\n',
            "#= ( [ =#",
            '#= " #= nested =# ) =#',
            "# const OPS = Dict(\n",
        ]
    ),
    max_size=3,
).map("".join)
OUTSIDE = st.sampled_from(
    [
        *(
            'g(x) = ")" * x\n',
            "c = '('\n",
            "c = '\"'\n",
            "y = A' * B'\n",
            '"""\nconst OPS = Dict(\n"""\n',
            "#= const NAME = 1 =#\n",
        ),
        *('h(x) = "$(join(["(", x]))"\n', 'r = r"[\\"(]"\n', "run(`echo (`)\n", "x = '\\''\n", "\n\n"),
    ]
)


def declared(file: Path, source: str) -> object:
    """All that Python reads, in a form that can be compared."""
    file.write_text(source, encoding="utf-8")
    mine = frameworks.read(file)
    return mine.name, mine.packages, mine.summary, list(mine.ops), mine.notes, mine.deviations


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("declarations") / "mine.jl"


def test_the_file_of_these_tests_is_read_whole(file: Path):
    assert declared(file, "".join(SOURCE)) == (
        "mine",
        ("A", "B"),
        "s",
        ["a.b", "a.c", "a.d"],
        {"a.b": "less # than\n"},
        {
            "a.b": Deviation(reason="off by (one", tolerance=Tolerance(levels=2)),
            "a.c": Deviation(reason="no ]", tolerance=Tolerance(rtol=1e-3)),
        },
    )


@given(st.lists(st.tuples(st.sampled_from(INSIDE), FILLER), max_size=8), OUTSIDE, OUTSIDE)
def test_blank_lines_comments_and_other_code_change_nothing(file: Path, fillers, before: str, between: str):
    pieces = list(SOURCE)
    for index, filler in fillers:
        pieces[index] = filler + pieces[index]
    cut = len(FACTS)
    source = before + "".join(pieces[:cut]) + between + "".join(pieces[cut:])
    assert declared(file, source) == declared(file, "".join(SOURCE))


@pytest.mark.parametrize("index", [index for index, piece in enumerate(SOURCE) if piece in (")", "]", "}")])
def test_a_closing_bracket_less_is_an_error_with_file_and_line(file: Path, index: int):
    with pytest.raises(ValueError, match=r"mine\.jl:\d+: (PACKAGES|OPS|DEVIATIONS|NOTES): "):
        declared(file, "".join(SOURCE[:index] + SOURCE[index + 1 :]))


@given(st.data())
def test_a_piece_less_is_an_error_or_leaves_every_op(file: Path, data):
    index = data.draw(st.integers(len(FACTS) + 1, len(FACTS) + len(OPS) - 2))
    try:
        _, _, _, found, _, _ = declared(file, "".join(SOURCE[:index] + SOURCE[index + 1 :]))
    except ValueError:
        return
    assert found == ["a.b", "a.c", "a.d"]


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        ('OPS = Dict("a" => a\n\n  "b" => b)', r":5: OPS: an entry isn't \"name\" => function"),
        ('OPS = Dict(\n  "a" => "b",\n)', r":4: OPS: an entry isn't \"name\" => function"),
        ("OPS = Dict(\n  a => b,\n)", r":4: OPS: an entry isn't .*'a' where a string is expected"),
        ('OPS = Dict("a$x" => b)', ":3: OPS: .*a string that isn't plain text"),
        ('OPS = Dict("a" => a, "a" => b)', ':3: OPS: "a" is there twice'),
        ('OPS = merge(A, Dict("a" => a))', r":3: OPS: isn't a Dict"),
        ('OPS = Dict("a" => a)[1]', r":3: OPS: '\[' where the end of the declaration is expected"),
        ('OPS = Dict("a" => a]', r":3: OPS: the bracket '\]' closes none"),
        ('OPS = Dict("""a)', ':3: a string """ has no end'),
        ("OPS = Dict() #= never", ":3: a comment '#=' has no end"),
        ("OPS = Dict()\nconst OPS = Dict()", ":4: OPS is declared twice"),
        ('OPS = Dict()\nconst DEVIATIONS = Dict("a" => (levels = 2,))', ":4: DEVIATIONS: .*the reason is missing"),
        ('OPS = Dict()\nconst DEVIATIONS = Dict("a" => ("r", 2))', ":4: DEVIATIONS: .*where a name is expected"),
        ('OPS = Dict()\nconst DEVIATIONS = Dict("a" => Deviation("r"))', ":4: DEVIATIONS: an entry isn't"),
        ('OPS = Dict()\nconst DEVIATIONS = Dict("a" => (reason = "r", atol = ε))', "where a number is expected"),
        ('OPS = Dict()\nconst DEVIATIONS = Dict("a" => (reason = "r", tol = 1))', "a: tol isn't a bound; bounds are "),
        (
            'OPS = Dict()\nconst DEVIATIONS = Dict("a" => (reason = "r", levels = 1, computes = "blur"))',
            "a: computes = 'blur' isn't a Python function",
        ),
        ('OPS = Dict()\nconst NOTES = Dict("a" => b)', r":4: NOTES: an entry isn't \"name\" => \"text\""),
    ],
)
def test_a_declaration_that_cannot_be_read_is_named_with_its_line(file: Path, declaration: str, words: str):
    source = f'const NAME = "mine"\n\nconst {declaration}\nconst PACKAGES = String[]\nconst SUMMARY = "s"\n'
    with pytest.raises(ValueError, match=rf"mine\.jl.*{words}"):
        declared(file, source)


def test_a_commented_entry_is_none_and_one_behind_a_blank_line_is(file: Path):
    facts = 'const NAME = "mine"\nconst PACKAGES = String[]\nconst SUMMARY = "s"\n'
    ops_read = declared(file, facts + 'const OPS = Dict(\n  "a" => a,\n  # "b" => b,\n\n  "c" => c, # "d" => d\n)\n')
    assert ops_read[3] == ["a", "c"]


def test_escapes_and_joined_strings_are_read_as_julia_does(file: Path):
    file.write_text(
        'const NAME = "a\\"b\\\\\\n\\u00e9" *\n  "c"\nconst SUMMARY = """\n    x\n      y"""\n', encoding="utf-8"
    )
    assert Literals(file).text("NAME") == 'a"b\\\né' + "c"
    assert Literals(file).text("SUMMARY") == "x\n  y"


def test_the_sources_of_an_op_are_its_file_and_what_that_includes(tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "more.jl").write_text("double(p, x) = 2x\n")
    (tmp_path / "other.jl").write_text("")
    file = tmp_path / "own.jl"
    file.write_text(
        'const NAME = "Own.jl"\nconst PACKAGES = String[]\nconst SUMMARY = "doubles"\ninclude("own/more.jl")\n'
        'const OPS = Dict{String, Function}("signals.double" => double)\n'
    )
    (op,) = frameworks.read(file).ops.values()
    assert stack.sources_of(op) == [file, tmp_path / "own" / "more.jl"]
