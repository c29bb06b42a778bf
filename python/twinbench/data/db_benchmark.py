"""``G1`` and ``J1``: the generated tables of db-benchmark's group-by and join questions, at any number of rows.

They are made here, to the specification of db-benchmark's own R scripts. The package falsa makes them too, but version
0.0.6 departs from it. G1: id2 has N / K values instead of K, v3 isn't rounded, missing values fall on rows instead of
ids and never on v, rows can't be sorted. J1: not below 10 million rows, not shuffled, and v2 is v1, row by row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from twinbench.data import cache
from twinbench.data.dataset import Dataset, Say, amount_of
from twinbench.errors import BadInput
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

VERSION = 1
"""Of the recipes below: another one makes other data, and another place in the cache."""

SEED = 108

ROWS_AT_ONCE = 1_000_000
"""Rows that are turned into text at once."""

MISSING = 5
"""Percent, as in db-benchmark."""

FEWEST_KEYS = 10
"""In a key set of J1: below ten there is no tenth that only one side has. db-benchmark has no tables that small."""


class Random:
    """Independent streams, one for each name, of PCG64's raw output, which NumPy promises never to change."""

    def __init__(self, *recipe: str | int) -> None:
        self.recipe = recipe

    def raw(self, name: str, count: int) -> Array:
        """64 random bits each."""
        import numpy as np

        key = hashlib.sha256(json.dumps([*self.recipe, name]).encode()).digest()
        return np.random.PCG64(int.from_bytes(key)).random_raw(count)

    def uniform(self, name: str, count: int) -> Array:
        """Floats from 0 to under 1."""
        import numpy as np

        return np.asarray((self.raw(name, count) >> 11) * 2.0**-53)

    def whole(self, name: str, most: int, count: int) -> Array:
        """Integers from 1 to ``most``."""
        import numpy as np

        return (self.uniform(name, count) * most).astype(np.int64) + 1

    def shuffled(self, name: str, values: Array) -> Array:
        """All of the values, in random order."""
        import numpy as np

        return np.asarray(values[np.argsort(self.raw(name, len(values)), kind="stable")])

    def every(self, name: str, values: Array, count: int) -> Array:
        """That many of the values, each at least once, in random order."""
        import numpy as np

        more = values[self.whole(f"{name} more", len(values), count - len(values)) - 1]
        return self.shuffled(name, np.concatenate([values, more]))

    def decimals(self, name: str, count: int) -> Array:
        """Floats from 0 to 100 of six decimals."""
        import numpy as np

        return np.round(100 * self.uniform(name, count), 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions(Dataset):
    """Tables made by a recipe. ``nas``: the percentage of missing values. ``sort``: whether rows are sorted by id."""

    recipe: Callable[[str, int, int, bool, Random], Arrays]
    """``recipe(table, rows, nas, sort, random)``: integers, of which 0 is missing, and floats with NaN."""
    texts: Mapping[str, int]
    """The columns that are written as ``id`` and a number of so many digits at least."""
    nas: int = 0
    sort: bool = False

    def missing(self) -> str | None:
        """It can always be made."""
        return None

    def fetch(self, say: Say) -> None:
        """There is nothing to fetch."""
        say(f"{self.name} is made on this machine, at the size that is asked for: there is nothing to fetch")

    def checksums(self) -> Mapping[str, str]:
        """Of the recipe."""
        recipe = [self.recipe.__name__, VERSION, SEED, self.nas, self.sort]
        return {"recipe": hashlib.sha256(json.dumps(recipe).encode()).hexdigest()}

    def file(self, name: str, amount: float | None) -> Path:
        """A CSV file, made when it is first asked for. ``amount`` counts the rows of the largest table."""
        self.known(name)
        if amount is None or amount < FEWEST_KEYS:
            raise BadInput(f"dataset {self.name} is made in any size from {FEWEST_KEYS} rows on: say how many rows")
        target = self.directory() / f"{name}-{amount_of(amount)}.csv"
        if not target.is_file():
            random = Random(self.recipe.__name__, VERSION, SEED, int(amount))
            columns = self.recipe(name, int(amount), self.nas, self.sort, random)
            with cache.written(target) as out:
                self._write(columns, out)
        return target

    def _write(self, columns: Arrays, out: IO[bytes]) -> None:
        import pyarrow as pa
        from pyarrow import csv

        types = {name: pa.int64() if values.dtype.kind == "i" else pa.float64() for name, values in columns.items()}
        schema = pa.schema(types | dict.fromkeys(self.texts.keys() & columns.keys(), pa.string()))
        options = csv.WriteOptions(quoting_style="none", quoting_header="none")
        with csv.CSVWriter(out, schema, write_options=options) as writer:
            for first in range(0, len(next(iter(columns.values()))), ROWS_AT_ONCE):
                part = [self._arrow(name, values[first : first + ROWS_AT_ONCE]) for name, values in columns.items()]
                writer.write_batch(pa.record_batch(part, schema=schema))

    def _arrow(self, name: str, values: Array) -> Any:
        import numpy as np
        import pyarrow as pa
        from pyarrow import compute

        absent = values == 0 if values.dtype.kind == "i" else np.isnan(values)
        array = pa.array(values, mask=absent)
        if name not in self.texts:
            return array
        digits = compute.utf8_lpad(array.cast(pa.string()), self.texts[name], padding="0")
        return compute.binary_join_element_wise("id", digits, "")


def g1(table: str, rows: int, nas: int, sort: bool, random: Random) -> Arrays:
    """K = 100. Every column is drawn on its own, with replacement; missing ones before the rows are sorted."""
    import numpy as np

    k, many = 100, max(rows // 100, 1)
    most = {"id1": k, "id2": k, "id3": many, "id4": k, "id5": k, "id6": many, "v1": 5, "v2": 15}
    columns = {name: random.whole(name, distinct, rows) for name, distinct in most.items()}
    columns["v3"] = random.decimals("v3", rows)
    _lose(columns, nas, random)
    if sort:
        order = np.lexsort([columns[f"id{i}"] for i in range(6, 0, -1)])
        columns = {name: values[order] for name, values in columns.items()}
    return columns


def j1(table: str, rows: int, nas: int, sort: bool, random: Random) -> Arrays:
    """Of each key set 0.9 n keys are on both sides, 0.1 n only in ``x`` and 0.1 n only in the others."""
    import numpy as np

    sizes = {"id1": max(rows // 1_000_000, FEWEST_KEYS), "id2": max(rows // 1_000, FEWEST_KEYS), "id3": rows}
    ids = {"small": ["id1"], "medium": ["id1", "id2"]}.get(table, list(sizes))
    count = sizes[ids[-1]]
    columns = {}
    for name in ids:
        n = sizes[name]
        keys = random.shuffled(f"keys {name}", np.arange(1, n * 11 // 10 + 1))
        here = keys[:n] if table == "x" else np.concatenate([keys[: n * 9 // 10], keys[n:]])
        columns[name] = random.every(f"{table} {name}", here, count)
    if sort:
        order = np.lexsort([columns[name] for name in (reversed(ids) if table == "x" else ids[-1:])])
        columns = {name: values[order] for name, values in columns.items()}
    value = "v1" if table == "x" else "v2"
    columns[value] = random.decimals(f"{table} {value}", count)
    if table == "x":
        _lose(columns, nas, random)
    texts = {f"id{int(name[2:]) + 3}": columns[name] for name in ids}
    return {name: columns[name] for name in ids} | texts | {value: columns[value]}


def _lose(columns: Arrays, percent: int, random: Random) -> None:
    """Make values missing: so many percent of the distinct values of each id, and of the rows of each v."""
    import numpy as np

    for name, values in columns.items():
        candidates = np.unique(values) if name.startswith("id") else np.arange(len(values))
        lost = random.shuffled(f"lost {name}", candidates)[: len(candidates) * percent // 100]
        where = np.isin(values, lost) if name.startswith("id") else lost
        values[where] = 0 if values.dtype.kind == "i" else np.nan


def _datasets(name: str, summary: str, files: Sequence[str], texts: Mapping[str, int], recipe: Any) -> list[Questions]:
    kinds = {
        "": ("", 0, False),
        "-missing": (f", {MISSING} % of the ids and of the values missing", MISSING, False),
        "-sorted": (", sorted by id", 0, True),
    }
    return [
        Questions(
            name=name + suffix,
            modality="tables",
            summary=summary + words,
            source="made on this machine, to the specification of github.com/duckdblabs/db-benchmark",
            licence="MIT, as twinbench",
            unit="rows",
            most=None,
            split="none: nothing is trained",
            files=tuple(files),
            recipe=recipe,
            texts=texts,
            nas=nas,
            sort=sort,
        )
        for suffix, (words, nas, sort) in kinds.items()
    ]


G1_TEXTS = {"id1": 3, "id2": 3, "id3": 10}
J1_TEXTS = {"id4": 1, "id5": 1, "id6": 1}

DB_BENCHMARK = (
    *_datasets("G1", "The table of db-benchmark's group-by questions", ["x"], G1_TEXTS, g1),
    *_datasets("J1", "The tables of db-benchmark's join questions", ["x", "small", "medium", "big"], J1_TEXTS, j1),
)
