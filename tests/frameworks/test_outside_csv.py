"""CSV files inside and outside the contract: refused in one line that names the file, or all stacks read them alike."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.frameworks.test_outside_tables import frameworks
from tests.refusals import refusal
from twinbench import ops
from twinbench.run.agree.agreement import check_agreement

NAMES = [
    *("k", "x", "", " ", "a b", 'q"x', '"', "it's", "*", "^k$", "é", "名", "a,b", "#x", " x ", "\ufeffk", "1", "NA"),
    *("NaN", "self", "\t", "c1", "Column1", "a\nb"),
]
INTEGERS = ["0", "-0", "007", "9223372036854775807", "-9223372036854775808", "-9223372036854775801"]
NO_INTEGERS = ["9223372036854775808", "", "NA", "+1", "1.0", "1e3", " 1", "1_000", "0x1"]
FLOATS = [
    *("", "NA", "NaN", "nan", "inf", "-Infinity", "1.", "-.5", "1e400", "1e-400", "1E5", "1e+05", "-0.0", "5e-324"),
    *("2.4703282292062327e-324", "2.4703282292062328e-324", "1.7976931348623159e308", "0." + "0" * 400 + "1"),
    *("9007199254740993", "123456789012345678901234567890", "0.1000000000000000055511151231257827021181583404541"),
]
NO_FLOATS = ["INF", "-nan", "1d5", "1f", "0x1p3", "e1", ".", "-", "+.5", " 1", "1 ", "1_0", "  "]
TEXTS = [
    *("", "NA", "nan", "'", 'a"b', '""', '"', "a,b", "a\nb", "a\r\nb", "a\rb", " a ", " ", "\t", "  ", "\\", "\\n"),
    *("#c", "//", "é", "\ufeff", "\uffff", "😀", "NULL", "007", "true", "2024-01-01", "\x0b", "\x1c", "\x85", "\u2028"),
    *("\xa0", "x" * 300, "\x01", "\x1a", "\x7f"),
]
FIELDS = {
    "int64": st.one_of(*[st.sampled_from(INTEGERS), st.integers(-(2**63), 2**63 - 1).map(str)] * 20),
    "float64": st.sampled_from(FLOATS) | st.floats().map(repr),
    "string": st.sampled_from(TEXTS),
}
WILD = {
    "int64": FIELDS["int64"] | st.sampled_from(NO_INTEGERS),
    "float64": FIELDS["float64"] | st.sampled_from(NO_FLOATS),
    "string": FIELDS["string"],
}
FILES = [
    "t.csv",
    "a b.csv",
    "é名.csv",
    "[x]*.csv",
    "q'x\".csv",
    "100%.csv",
    "x{0}.csv",
    "t.csv.gz",
    "$HOME.csv",
    "a?b.csv",
]


@st.composite
def files(draw: st.DrawFn) -> tuple[dict[str, str], bytes]:
    """Columns to read, and the content of a file, which is outside the contract in one of four draws."""
    wild = draw(st.integers(0, 3)) == 0
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=draw(st.integers(0, 9)) > 0))
    kinds = [draw(st.sampled_from(["int64", "float64", "string", "string"])) for _ in names]
    fields = WILD if wild else FIELDS
    rows = [[draw(fields[kind]) for kind in kinds] for _ in range(draw(st.sampled_from([0, 1, 2, 3, 6])))]
    if wild and rows and draw(st.booleans()):
        rows[-1] = rows[-1][:-1] if draw(st.booleans()) else [*rows[-1], "x"]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    ends = [draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])) if wild else end for _ in range(len(rows) + 1)]
    if draw(st.integers(0, 3)) == 0:
        ends[-1] = ""
    every, some = draw(st.booleans()), draw(st.booleans())

    def quoted(field: str) -> str:
        needed = every or any(sign in field for sign in '",\r\n') or (some and draw(st.booleans()))
        return '"' + field.replace('"', '""') + '"' if needed else field

    lines = [",".join(map(quoted, record)) for record in [names, *rows]]
    content = "".join(itertools.chain.from_iterable(zip(lines, ends, strict=True))).encode()
    if wild and draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(content)))
        content = content[:at] + draw(st.sampled_from([b"\0", b"\xff", b'"', b"\r", b";"])) + content[at:]
    mark = b"\xef\xbb\xbf" if draw(st.integers(0, 4)) == 0 else b""
    columns = draw(st.permutations(list(zip(names, kinds, strict=True))))
    return dict(columns[: draw(st.integers(1, len(columns)))]), mark + content


@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
@settings(max_examples=250, deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))
@given(drawn=files(), name=st.sampled_from(FILES))
def test_a_file_is_refused_or_read_alike_by_all(drawn: tuple[dict[str, str], bytes], name: str, tmp_path: Path):
    columns, content = drawn
    (tmp_path / "x{0}.csv").write_text("k\n1\n")  # which another name would match as a pattern
    file = tmp_path / name
    file.write_bytes(content)
    op = ops.get("tables.read_csv")
    params: Any = op.build({"table": "t", "columns": columns})
    message = refusal(op.reference, params, str(file))
    if message:
        assert message.startswith(str(file))
        return
    want = op.reference(params, str(file))
    for library in frameworks():
        got = library.extract(library.ops[op.name](params, str(file)), "table")
        wrong = [finding for finding in check_agreement(op, got, want, params=params) if not finding.ok]
        assert not wrong, (library.name, columns, content, wrong)
