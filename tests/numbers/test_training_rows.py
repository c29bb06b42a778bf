"""What is kept of training rows, and what is compared of rows that are images or series."""

from __future__ import annotations

import io

import numpy as np

from twinbench.numbers import training_rows
from twinbench.numbers.training_rows import PARTS


def kept(x: np.ndarray, *, named: bool) -> dict[str, np.ndarray]:
    content = training_rows.of_training(x, np.zeros(3), named=named)
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return dict(archive)


def test_a_sample_of_the_rows_is_kept_the_same_each_time_and_the_range_of_all():
    x = np.random.default_rng(1).normal(size=(5000, 3)).astype(np.float32)
    x[7, 1] = np.nan
    found = kept(x, named=True)
    assert found["sample"].shape == (training_rows.SAMPLED, 3)
    assert found["sample"].dtype == np.float32
    assert len(np.unique(found["sample"][:, 0])) == training_rows.SAMPLED
    assert np.isin(found["sample"][:, 0], x[:, 0]).all()
    np.testing.assert_array_equal(found["low"], np.nanmin(x, axis=0))
    np.testing.assert_array_equal(found["high"], np.nanmax(x, axis=0))
    np.testing.assert_array_equal(kept(x, named=True)["sample"], found["sample"])


def test_few_rows_are_all_kept():
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_array_equal(kept(x, named=True)["sample"], x)


def test_images_are_described_by_their_parts_however_many_there_are(monkeypatch):
    x = np.random.default_rng(1).normal(size=(10, 4, 5)).astype(np.float32)
    monkeypatch.setattr(training_rows, "CHUNK", 3)
    found = training_rows.described(x, named=False)
    flat = x.reshape(10, -1).astype(np.float64)
    np.testing.assert_allclose(found, np.stack([flat.mean(1), flat.std(1), flat.min(1), flat.max(1)], 1), rtol=1e-6)
    assert found.shape == (10, len(PARTS))


def test_an_image_with_a_missing_pixel_is_missing():
    x = np.ones((2, 3, 3), np.float32)
    x[1, 1, 1] = np.nan
    found = training_rows.described(x, named=False)
    assert np.isnan(found[1]).all()
    assert not np.isnan(found[0]).any()
