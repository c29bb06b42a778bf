"""What a CSV file of the user's holds: its columns, with the types by which ``tables.read_csv`` reads them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from twinbench.errors import BadInput
from twinbench.ops.contract import OutsideContract
from twinbench.ops.tables import read

MOST_VALUES = 1000
"""Most different values of a column that are kept; of a column with more, it is only known that there are more."""

WHOLE = range(-(2**63), 2**63)
"""Whole numbers of int64."""


@dataclass(slots=True)
class Column:
    """A column: what its fields may be, and what they are."""

    name: str
    missing: int = 0
    """Number of fields that are empty or ``NA``."""
    nan: int = 0
    """Number of fields with ``NaN``, which is missing in a column of numbers."""
    whole: bool = True
    """Whether all other fields are whole numbers of int64."""
    numbers: bool = True
    """Whether all other fields are numbers, ``NaN`` included."""
    values: set[str] | None = field(default_factory=set)
    """The other fields; None where there are more than `MOST_VALUES` different ones."""

    @property
    def type(self) -> read.Type:
        """The narrowest type that holds the column. A column without any value is text."""
        if self.values is not None and not self.values:
            return "string"
        if self.whole and not self.missing:
            return "int64"
        return "float64" if self.whole or self.numbers else "string"

    @property
    def gaps(self) -> bool:
        """Whether a value is missing when the column is read by its type."""
        return bool(self.missing or (self.nan and self.type == "float64"))

    @property
    def classes(self) -> int:
        """Number of different values; 0 where there are more than `MOST_VALUES`."""
        return 0 if self.values is None else len(self.values)

    def add(self, fields: Sequence[str]) -> None:
        """Take in further fields of the column."""
        present = [each for each in fields if each not in ("", "NA")]
        self.missing += len(fields) - len(present)
        self.nan += sum(each in read.NOT_A_NUMBER for each in present)
        if self.whole:
            self.whole = all(map(read.INTEGER.fullmatch, present)) and all(int(each) in WHOLE for each in present)
        if self.numbers and not self.whole:
            self.numbers = all(read.FLOAT.fullmatch(each) or each in read.NOT_A_NUMBER for each in present)
        if self.values is not None:
            self.values.update(present)
            if len(self.values) > MOST_VALUES:
                self.values = None


def columns(path: Path) -> list[Column]:
    """Return the columns of a CSV file, after reading all of it.

    Raises BadInput for a file that ``tables.read_csv`` doesn't read, such as a compressed one, or one whose fields are
    separated by other signs than commas.
    """
    try:
        read.check_bytes(str(path))
        return _columns(path)
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror}") from None
    except OutsideContract as error:
        raise BadInput(str(error)) from None


def _columns(path: Path) -> list[Column]:
    limit = csv.field_size_limit(2**31 - 1)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, None)
            if not header:
                raise OutsideContract(f"{path}: the file has no header in line 1; the first line must name the columns")
            read.check_delimiter(header, str(path))
            twice = next((name for name in header if header.count(name) > 1), None)
            if twice is not None:
                raise OutsideContract(f"{path}: line 1: the column '{twice}' stands more than once; rename one of them")
            found = [Column(name) for name in header]
            records = read.records(rows, header, str(path))
            while some := [record for _, record in islice(records, read.ROWS_AT_ONCE)]:
                for column, fields in zip(found, zip(*some, strict=True), strict=True):
                    column.add(fields)
    except csv.Error as error:
        raise OutsideContract(f"{path}: line {rows.line_num}: {error}; quote fields as RFC 4180 says") from None
    finally:
        csv.field_size_limit(limit)
    return found
