"""A damaged NPY or NPZ file is refused in words by everything that reads one, whatever NumPy raises for it."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.data.test_own import examples
from twinbench.errors import BadInput
from twinbench.pair import inputs
from twinbench.results.models import rows
from twinbench.store import kept_arrays
from twinbench.store.records import TRAINED

MODEL: Any = SimpleNamespace(example=np.zeros((1, 2), np.float32), scores=np.zeros(3, np.float32), features=())

READERS: dict[str, Callable[[Path], object]] = {
    "a dataset": lambda path: examples(path).value(None),
    "rows to monitor": lambda path: rows.load(path, MODEL),
    "an input of a pair": inputs.read,
    "a store": lambda path: kept_arrays._archive(TRAINED, path.read_bytes()),
}


def damaged(rng: random.Random) -> bytes:
    """Return an NPZ file with changed bytes, in the archive or in the text that describes an array."""
    content = io.BytesIO()
    (np.savez_compressed if rng.random() < 0.3 else np.savez)(content, x=np.zeros((3, 2)), sample=np.zeros((3, 2)))
    changed = bytearray(content.getvalue())
    start = changed.find(b"{'descr'") if rng.random() < 0.5 else rng.randrange(len(changed))
    for _ in range(rng.choice((1, 1, 4))):
        changed[(start + rng.randrange(60)) % len(changed)] = rng.choice((*b"({['\\0\n", rng.randrange(256)))
    return bytes(changed)


@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_archive_is_refused_in_words(reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))
    refused = 0
    for seed in range(150):
        path = tmp_path / f"{seed}.npz"
        path.write_bytes(damaged(random.Random(seed)))
        try:
            READERS[reader](path)
        except (BadInput, kept_arrays.Unreadable):
            refused += 1
    assert refused > 20


def test_a_header_that_python_can_not_take_apart_is_not_an_array():
    header = (b"{'descr': '<f4', 'shape': " + b"(" * 90).ljust(117) + b"\n"
    for version in (b"\1\0", b"\2\0\0\0"):
        content = b"\x93NUMPY" + version[:2] + len(header).to_bytes(len(version), "little") + header
        with pytest.raises(kept_arrays.Unreadable, match="not an array"):
            kept_arrays._read(content, range(1, 3))
