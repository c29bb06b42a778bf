"""The op that reads a CSV file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from twinbench.errors import nearest
from twinbench.ops.contract import EXACT, Arrays, Op, OutsideContract

if TYPE_CHECKING:
    from numpy.typing import NDArray


Type = Literal["int64", "float64", "string"]
"""Type of a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCsv:
    """``table``: name of the file in the dataset. ``columns``: the columns to read, in order, with their types."""

    table: str
    columns: dict[str, Type]

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("columns names no column to read")


ROWS_AT_ONCE = 100_000
"""Number of rows that `read_csv` holds as Python strings at a time: ten million rows would exhaust the memory."""

SHOWN = 40
"""Characters of a field that a message quotes."""

INTEGER = re.compile(r"-?[0-9]+")
FLOAT = re.compile(r"-?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|inf|Infinity)")
NOT_A_NUMBER = ("NaN", "nan")
"""Fields of a float64 column that are missing, besides the empty field and ``NA``."""

RECORD = re.compile(rb'(?:[^",\r\n]*|"(?:[^"]|"")*")(?:,(?:[^",\r\n]*|"(?:[^"]|"")*"))*(\r?\n|$)')
"""A record as RFC 4180 writes it: a quote stands only around a whole field, or doubled inside one."""

ENDS = {b"\n": "LF", b"\r\n": "CRLF"}
"""Names of the ends of lines."""

SIGNATURES = (
    (b"\x1f\x8b", "is compressed by gzip; unpack it first"),
    (b"PK\x03\x04", "is a ZIP archive, such as an Excel workbook; export it as CSV"),
    (b"PAR1", "is a Parquet file; export it as CSV"),
    (b"ARROW1", "is an Arrow file; export it as CSV"),
    (b"\xff\xfe", "is encoded in UTF-16; save it in UTF-8"),
    (b"\xfe\xff", "is encoded in UTF-16; save it in UTF-8"),
    (b'{"', "holds JSON; export it as CSV"),
    (b'[{"', "holds JSON; export it as CSV"),
)
"""How files that aren't CSV in UTF-8 begin, and what to do about each."""

OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv(p: ReadCsv, path: str) -> Arrays:
    """Read a file with Python's own csv module. Raises `OutsideContract` with the line, the column and the value."""
    import numpy as np

    check_bytes(path)
    parts: dict[str, list[NDArray[Any]]] = {name: [_parsed(kind, name, (), ())] for name, kind in p.columns.items()}
    limit = csv.field_size_limit(2**31 - 1)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, None)
            if not header:
                raise OutsideContract(f"{path}: the file has no header in line 1; the first line must name the columns")
            _check_header(p, header, path)
            numbered = records(rows, header, path)
            while some := list(islice(numbered, ROWS_AT_ONCE)):
                lines, fields = zip(*some, strict=True)
                by_column = dict(zip(header, zip(*fields, strict=True), strict=True))
                for name, kind in p.columns.items():
                    try:
                        parts[name].append(_parsed(kind, name, by_column[name], lines))
                    except OutsideContract as error:
                        raise OutsideContract(f"{path}: {error}") from None
    except csv.Error as error:
        raise OutsideContract(f"{path}: line {rows.line_num}: {error}; quote fields as RFC 4180 says") from None
    finally:
        csv.field_size_limit(limit)
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def check_bytes(path: str) -> None:
    """Refuse what isn't CSV in UTF-8, and quotes that readers understand differently."""
    with open(path, "rb") as file:
        content = file.read()
    for signature, what in SIGNATURES:
        if content.startswith(signature):
            raise OutsideContract(f"{path} {what}")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OutsideContract(
            f"{path}: line {_line(content, error.start)}: byte 0x{content[error.start]:02x} is not UTF-8; save the "
            "file in UTF-8"
        ) from None
    if b"\0" in content:
        raise OutsideContract(
            f"{path}: line {_line(content, content.index(0))}: a NUL character, as damaged files and those in UTF-16 "
            "have them; save it in UTF-8"
        )
    breaks = content.count(b"\r\n")
    if b'"' in content or not content.count(b"\r") == breaks in (0, content.count(b"\n")):
        _check_records(content, path)
    if content and breaks == 0 and b"\n" not in content:
        raise OutsideContract(f"{path}: line 1: the header has no end of line; add a line break")


def _check_records(content: bytes, path: str) -> None:
    """Refuse quotes that readers understand differently, and lines that end differently."""
    start = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    first = b""
    while start < len(content):
        record = RECORD.match(content, start)
        if record is None:
            raise OutsideContract(
                f"{path}: line {_line(content, start)}: a quote or a carriage return inside a field that isn't quoted, "
                "or a lone quote inside a quoted field; quote whole fields, double the quotes inside, and end "
                "lines with LF"
            )
        end = record[1]
        first = first or end
        if end and end != first:
            raise OutsideContract(
                f"{path}: line {_line(content, record.start(1))}: the line ends in {ENDS[end]}, and the first line in "
                f"{ENDS[first]}; end all lines alike"
            )
        start = max(record.end(), start + 1)


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _check_header(p: ReadCsv, header: Sequence[str], path: str) -> None:
    """Refuse a header of several lines, and one in which a column to read is absent or stands twice."""
    broken = next((name for name in header if "\n" in name or "\r" in name), None)
    if broken is not None:
        raise OutsideContract(
            f"{path}: line 1: the name '{' '.join(broken.split())}' has a line break; rename the column"
        )
    for name in p.columns:
        count = header.count(name)
        if count > 1:
            raise OutsideContract(f"{path}: line 1: the column '{name}' stands {count} times; rename one of them")
        if count == 0:
            check_delimiter(header, path)
            raise OutsideContract(f"{path}: line 1: there is no column '{name}'{nearest(name, header)}")


def check_delimiter(header: Sequence[str], path: str) -> None:
    """Refuse a header that looks as if other signs than commas separated its fields."""
    other = next((words for mark, words in OTHER_DELIMITERS.items() if len(header) == 1 and mark in header[0]), "")
    if other:
        raise OutsideContract(f"{path}: line 1: fields are separated by {other}; separate them by commas")


def records(rows: Any, header: Sequence[str], path: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of its last line. Refuse an empty line, and a record of another length."""
    for record in rows:
        if len(record) != len(header):
            what = "the line is empty" if not record else f"{len(record)} fields, and the header has {len(header)}"
            raise OutsideContract(f"{path}: line {rows.line_num}: {what}; correct the line or remove it")
        yield rows.line_num, record


def _parsed(kind: Type, name: str, fields: Sequence[str], lines: Sequence[int]) -> NDArray[Any]:
    """Convert the fields of one column to an array of its type."""
    import numpy as np

    if kind == "string":
        return np.array(["" if field == "NA" else field for field in fields], dtype=np.str_)
    if kind == "int64":
        _check_all(fields, lines, name, INTEGER, "a whole number without a sign '+'", absent=())
        numbers = [int(field) for field in fields]
        if numbers and (min(numbers) < -(2**63) or max(numbers) >= 2**63):
            number, line = next((n, at) for n, at in zip(numbers, lines, strict=True) if not -(2**63) <= n < 2**63)
            raise OutsideContract(f"line {line}, column '{name}': {number} doesn't fit int64; read it as float64")
        return np.array(numbers, dtype=np.int64)
    absent = ("", "NA", *NOT_A_NUMBER)
    _check_all(fields, lines, name, FLOAT, "a number such as -12.5 or 1e-3", absent)
    return np.array([np.nan if field in absent else float(field) for field in fields], dtype=np.float64)


def _check_all(
    fields: Sequence[str], lines: Sequence[int], name: str, form: re.Pattern[str], asked: str, absent: Sequence[str]
) -> None:
    """Refuse the first field that has another form and isn't one of the fields for a missing value."""
    if set(map(bool, map(form.fullmatch, fields))) <= {True}:
        return
    for field, line in zip(fields, lines, strict=True):
        if not form.fullmatch(field) and field not in absent:
            if field in ("", "NA"):
                what = "the value is missing, which int64 can't hold; read the column as float64"
            else:
                shown = field if len(field) <= SHOWN else f"{field[:SHOWN]}..."
                other = "float64" if form is INTEGER and FLOAT.fullmatch(field) else "string"
                what = f"'{shown}' is not {asked}; correct it, or read the column as {other}"
            raise OutsideContract(f"line {line}, column '{name}': {what}")


READ_CSV = Op(
    name="tables.read_csv",
    params=ReadCsv,
    inputs=("file",),
    output="table",
    summary="Read named columns of a CSV file with given types.",
    semantics="""The file is UTF-8 without NUL characters, with or without a byte-order mark, and comma-separated, with
one header line and RFC 4180 quoting: a quoted field may hold commas, doubled quotes and line breaks, which stay as
they are; a quote inside an unquoted field is refused. Every record has as many fields as the header; an empty line is
refused. Each name in `columns` stands exactly once in the header. The result has exactly the columns in `columns`, in
that order, each as int64, float64 or string. A field that is empty or `NA` is missing, and in a float64 column so are
`NaN` and `nan`; int64 columns have no missing fields. A number is written with the digits 0 to 9, in a float64 column
with a decimal point and an exponent where needed, and without a plus sign before it, group separators or spaces; `inf`
and `Infinity`, with or without a minus sign, are infinite. Numbers are parsed with correct rounding. Rows keep the
order of the file. The file is uncompressed, and is read from the page cache. A library holds each string of a column
by itself, however often it repeats; codes with a dictionary are what `tables.categorise` makes, in another
step.""",
    source="RFC 4180, https://www.rfc-editor.org/rfc/rfc4180",
    reference=read_csv,
    tolerance=EXACT,
)
