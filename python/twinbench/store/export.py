"""Export of a run as flat tables for other tools: Parquet or CSV, one file per table.

Every row names its run, pipeline, size and stack, so that each table can be read without the others.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from twinbench.errors import BadInput, StoreError, nearest
from twinbench.store.records import Cell
from twinbench.store.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

Row = dict[str, Any]

CELL = {"run": "string", "pipeline": "string", "size": "string", "stack": "string", "variant": "string"}

COLUMNS = {
    "cells": CELL
    | {"status": "string", "kind": "string", "reason": "string", "fingerprint": "string", "changed": "string"}
    | {"disturbed": "string"},
    "samples": CELL
    | {"process": "int32", "block": "int32", "step": "string", "framework": "string", "kind": "string"}
    | {"detail": "string", "wall_ns": "double", "evals": "int64", "cpu_ns": "double", "gc_ns": "double"}
    | {"collector_ns": "double", "time_ns": "double"},
    "agreement": CELL
    | {"step": "string", "framework": "string", "output": "string", "level": "string"}
    | {"error": "double", "max_abs": "double", "ok": "bool", "detail": "string"}
    | {"psnr_db": "double", "declared": "string"},
    "facts": CELL | {"step": "string", "framework": "string", "key": "string", "value": "string"},
    "quality": CELL | {"metric": "string", "value": "double", "seed": "int64"},
}
"""Arrow types by table and column. Times are nanoseconds per evaluation; the value of a fact is JSON.

``disturbed`` lists the figures of a cell whose wall and CPU times contradict each other by load: "total, mlp"."""

_READERS: dict[str, Callable[[Store, Cell], Iterable[Any]]] = {
    "cells": lambda store, cell: [cell],
    "samples": lambda store, cell: store.samples(cell.id),
    "agreement": lambda store, cell: store.agreements(cell.id),
    "facts": lambda store, cell: [replace(fact, value=json.dumps(fact.value)) for fact in store.facts(cell.id)],
    "quality": lambda store, cell: store.qualities(cell.id),
}


FORMULA = r"^'*[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""Pattern of the texts that a spreadsheet may execute, apostrophes before them included, as RE2 reads it."""

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
"""Pattern of the texts that are numbers, which no spreadsheet executes."""

_FORMULA = re.compile(re.sub(r"\\x\{(\w+)\}", r"\\u\1", FORMULA))
_NUMBER = re.compile(NUMBER)


def export(
    store: Store,
    run_id: str,
    target: Path,
    format: Format | None = None,
    disturbed: Mapping[int, Sequence[str]] | None = None,
) -> list[Path]:
    """Write a run's tables and return the paths of the files.

    A target that ends in ``.parquet`` or ``.csv`` is one file with the samples; any other is a directory for all
    tables, in ``format`` or, by default, Parquet. Raises BadInput for an unknown format or run, StoreError if the files
    can't be written; no file is left half written.
    """
    run = store.find_run(run_id)
    suffix = target.suffix.removeprefix(".")
    form = format or (suffix if suffix in FORMATS else "parquet")
    if form not in FORMATS:
        raise BadInput(f"unknown format '{form}'{nearest(form, FORMATS)}")
    cells = store.cells(run.id)
    if suffix in FORMATS:
        return [write(table("samples", store, cells), target, form)]
    return [write(table(name, store, cells, disturbed), target / f"{name}.{form}", form) for name in COLUMNS]


def table(
    name: str, store: Store, cells: Iterable[Cell], disturbed: Mapping[int, Sequence[str]] | None = None
) -> pa.Table:
    """Return one of the tables in `COLUMNS`, with the rows of these cells.

    ``disturbed`` lists the figures that load disturbed, by cell; the column is null without it.
    """
    import pyarrow as pa

    schema = pa.schema([(column, pa.type_for_alias(alias)) for column, alias in COLUMNS[name].items()])
    rows = [row | _marked(name, cell, disturbed) for cell in cells for row in _rows(name, store, cell)]
    return pa.Table.from_pylist(rows, schema=schema)


def _marked(name: str, cell: Cell, disturbed: Mapping[int, Sequence[str]] | None) -> Row:
    return {"disturbed": ", ".join(disturbed.get(cell.id, ()))} if name == "cells" and disturbed is not None else {}


def write(table: pa.Table, path: Path, format: str) -> Path:
    """Write a table as ``parquet`` or ``csv``, replacing an existing file. Raises StoreError if that fails."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if format == "csv":
            from pyarrow import csv

            csv.write_csv(_literal(table), partial)
        else:
            from pyarrow import parquet

            parquet.write_table(table, partial)
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise StoreError(f"{path}: can't be written: {error.strerror or error}") from error
    return path


def literal(text: str) -> str:
    """Return a text as a cell of a CSV file that no spreadsheet executes: a formula gets an apostrophe before it."""
    return f"'{text}" if _FORMULA.search(text) and not _NUMBER.fullmatch(text) else text


def _literal(table: pa.Table) -> pa.Table:
    """Return a table whose texts are literal; its numbers stay."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for index, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            texts = table.column(index)
            executed = pc.and_(
                pc.match_substring_regex(texts, FORMULA), pc.invert(pc.match_substring_regex(texts, NUMBER))
            )
            quoted = pc.binary_join_element_wise("'", texts, "")
            table = table.set_column(index, field, pc.if_else(executed, quoted, texts))
    return table


def read_csv(path: Path) -> pa.Table:
    """Read a table from a CSV file that `write` wrote: the same types, texts and missing values.

    Raises BadInput for a file with other columns.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    parsing = csv.ParseOptions(newlines_in_values=True)
    with csv.open_csv(path, parse_options=parsing) as head:
        names = head.schema.names
    columns = next((columns for columns in COLUMNS.values() if list(columns) == names), None)
    if columns is None:
        raise BadInput(f"{path}: its columns are {', '.join(names)}; no table that 'twinbench export' writes has these")
    types = {column: pa.type_for_alias(alias) for column, alias in columns.items()}
    converting = csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    table = csv.read_csv(path, parse_options=parsing, convert_options=converting)
    for index, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            texts = table.column(index)
            quoted = pc.match_substring_regex(texts, FORMULA.replace("'*", "'+", 1))
            table = table.set_column(index, field, pc.if_else(quoted, pc.utf8_slice_codeunits(texts, 1), texts))
    return table


def _rows(name: str, store: Store, cell: Cell) -> Iterator[Row]:
    """Yield a row per record: the record's fields that are columns, and the framework of its step."""
    for record in _READERS[name](store, cell):
        row: Row = {"run": cell.run_id, "pipeline": cell.pipeline, "size": cell.size, "stack": cell.stack}
        row["variant"] = cell.variant
        row |= {column: getattr(record, column, None) for column in COLUMNS[name] if column not in CELL}
        if "framework" in row:
            row["framework"] = cell.steps.get(record.step)
        yield row
