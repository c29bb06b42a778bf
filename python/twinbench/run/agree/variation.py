"""Other data of the same shapes and types, made from a pipeline's own data: what a memo of the first data can't answer.

Rows are taken in the order of the data, so that sorted data stay sorted and the work stays what it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile, copytree

import numpy as np
from numpy.typing import NDArray

from twinbench.ops.contract import Arrays

RULES = ("drawn", "rotated", "reversed", "same")
"""Ways to choose other rows. A variation tries them in this order; the second variation begins with ``rotated``.

``drawn``: with replacement, in order, so that counts and sums differ too. ``rotated`` and ``reversed``: every row
once, so that a filter keeps as many, and keys that occur once do so again. ``same``: equal copies, where the
contracts exclude all other data."""

LARGEST_BYTES = 256 << 20
"""Largest data that are varied, in bytes: another copy of larger data wouldn't fit in every memory and cache."""

QUOTE, NEWLINE = ord('"'), ord("\n")


def rules(number: int) -> tuple[str, ...]:
    """Return the rules in the order in which a variation tries them."""
    return RULES[1:] if number == 1 else RULES


def rows(count: int, rule: str, number: int) -> NDArray[np.intp]:
    """Return the numbers of ``count`` rows by a rule of `RULES`; ``number`` tells variations by one rule apart."""
    order = np.arange(count)
    if rule == "same":
        return order
    if rule == "drawn" and count > 1:
        drawn = np.sort(np.random.default_rng((number, count)).integers(0, count, count))
        if not np.array_equal(drawn, order):
            return drawn
    if rule == "reversed":
        return np.roll(order[::-1], number)
    return np.roll(order, -(1 + (number + count // 3) % max(1, count - 1)))


def vary_arrays(values: Arrays, rule: str, number: int) -> Arrays:
    """Return arrays with other rows: of every array that has as many as ``x``, or else as the first array.

    Training rows stay training rows, and test rows test rows. A single row is rotated along its time or width instead.
    """
    first = values.get("x", next(iter(values.values())))
    if first.ndim == 0 or rule == "same":
        return dict(values)
    if len(first) > 1:
        taken = np.arange(len(first))
        for split in np.unique(values["test"]) if "test" in values else (None,):
            members = taken if split is None else np.flatnonzero(values["test"] == split)
            taken[members] = members[rows(len(members), rule, number)]
        return {name: v[taken] if v.shape[:1] == first.shape[:1] else v for name, v in values.items()}
    axis = 2 if first.ndim == 4 else first.ndim - 1
    turned = np.roll(first, 1 + number + first.shape[axis] // 3, axis=axis)
    return {name: turned if v is first else v for name, v in values.items()}


def vary_file(source: Path, target: Path, rule: str, number: int) -> None:
    """Write a file or directory with other content: other records of a CSV file, files with exchanged contents.

    The files of a directory inside a directory are exchanged among themselves.
    """
    if source.is_dir():
        target.mkdir(parents=True)
        for inside in (path for path in source.iterdir() if path.is_dir()):
            vary_file(inside, target / inside.name, rule, number)
        for name, content in _exchanged(source, 0 if rule == "same" else 1 + number):
            copyfile(content, target / name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix == ".csv":
        header, *records = _records(source.read_bytes())
        target.write_bytes(b"".join([header, *(records[row] for row in rows(len(records), rule, number))]))
    else:
        copyfile(source, target)


def _exchanged(directory: Path, distance: int) -> list[tuple[str, Path]]:
    """Return the names of a directory's files, each with the file of the same type from which the content is taken."""
    by_type: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for path in directory.iterdir() if path.is_file()):
        by_type[path.suffix.lower()].append(path)
    return [
        (path.name, paths[(position + distance) % len(paths)])
        for paths in by_type.values()
        for position, path in enumerate(paths)
    ]


def _records(content: bytes) -> Sequence[bytes]:
    """Split a CSV file into its header and records; a line break inside quotes doesn't end a record."""
    if not content.endswith(b"\n"):
        content += b"\n"
    codes = np.frombuffer(content, np.uint8)
    outside = np.cumsum(codes == QUOTE) % 2 == 0
    ends = [int(end) + 1 for end in np.flatnonzero((codes == NEWLINE) & outside)]
    return [content[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def copy(source: Path, target: Path) -> None:
    """Copy a file, or the files of a directory."""
    if source.is_dir():
        copytree(source, target)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        copyfile(source, target)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a directory."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.is_file() else 0
