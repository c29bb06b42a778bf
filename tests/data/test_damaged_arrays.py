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

SAVED = {"sample": np.zeros((3, 2)), "low": np.zeros(2), "high": np.zeros(2), "y_test": np.zeros(3)}
"""Arrays of the archive of a model's training rows, all of which the store's reader needs."""

OTHERS = {"x": np.zeros((3, 2)), "y": np.arange(3) % 2}

MODEL: Any = SimpleNamespace(example=np.zeros((1, 2), np.float32), scores=np.zeros(3, np.float32), features=())

READERS: dict[str, tuple[Callable[[Path], object], dict[str, Any]]] = {
    "a dataset": (lambda path: examples(path).value(None), OTHERS),
    "rows to monitor": (lambda path: rows.load(path, MODEL), {"x": np.zeros((3, 2))}),
    "an input of a pair": (inputs.read, OTHERS),
    "a store": (lambda path: kept_arrays._archive(TRAINED, path.read_bytes()), SAVED),
}
"""Functions that read an archive, and the arrays in one that they read; every array is needed."""


def damaged(rng: random.Random, arrays: dict[str, Any]) -> bytes:
    """Return an NPZ file with changed bytes, in the archive or in the text that describes an array."""
    content = io.BytesIO()
    (np.savez_compressed if rng.random() < 0.3 else np.savez)(content, **arrays)
    changed = bytearray(content.getvalue())
    start = changed.find(b"{'descr'") if rng.random() < 0.5 else rng.randrange(len(changed))
    for _ in range(rng.choice((1, 1, 4))):
        changed[(start + rng.randrange(60)) % len(changed)] = rng.choice((*b"({['\\0\n", rng.randrange(256)))
    return bytes(changed)


@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_archive_is_refused_in_words_or_read_as_it_was(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is read as it was had its changes in a part of the archive that says nothing, such as the time of a file."""
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))
    read, arrays = READERS[reader]

    def value(content: bytes) -> str:
        path = tmp_path / "arrays.npz"
        path.write_bytes(content)
        return repr(read(path))

    whole = io.BytesIO()
    np.savez(whole, **arrays)
    expected, refused = value(whole.getvalue()), 0
    for seed in range(150):
        try:
            assert value(damaged(random.Random(seed), arrays)) == expected, seed
        except (BadInput, kept_arrays.Unreadable):
            refused += 1
    assert refused >= 100, "most damages are to what is read"


def test_a_header_that_python_can_not_take_apart_is_not_an_array():
    header = (b"{'descr': '<f4', 'shape': " + b"(" * 90).ljust(117) + b"\n"
    for version in (b"\1\0", b"\2\0\0\0"):
        content = b"\x93NUMPY" + version[:2] + len(header).to_bytes(len(version), "little") + header
        with pytest.raises(kept_arrays.Unreadable, match="not an array"):
            kept_arrays._read(content, range(1, 3))
