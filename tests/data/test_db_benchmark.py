"""The tables of db-benchmark's questions, held against its specification, and against falsa where falsa keeps to it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from falsa.local_fs import GroupByGenerator

from twinbench.data.columns import columns
from twinbench.data.registry import get
from twinbench.errors import BadInput
from twinbench.ops.contract import Arrays

ROWS = 100_000
K = 100


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, cache: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(cache))


def table(dataset: str, name: str = "x", rows: int = ROWS) -> Arrays:
    return columns(get(dataset), name, rows)


def number(ids: np.ndarray) -> np.ndarray:
    """The numbers of texts such as ``id007``."""
    assert np.strings.startswith(ids, "id").all()
    return np.strings.slice(ids, 2, None).astype(np.int64)


def test_the_group_by_table_has_the_columns_and_values_of_the_specification():
    x = table("G1")
    assert list(x) == ["id1", "id2", "id3", "id4", "id5", "id6", "v1", "v2", "v3"]
    assert [str(x["id1"][0][:2]), len(x["id1"][0]), len(x["id3"][0])] == ["id", 5, 12]
    most = {"id1": K, "id2": K, "id3": ROWS // K, "id4": K, "id5": K, "id6": ROWS // K, "v1": 5, "v2": 15}
    for name, expected in most.items():
        values = number(x[name]) if x[name].dtype.kind == "U" else x[name]
        distinct, counts = np.unique(values, return_counts=True)
        np.testing.assert_array_equal(distinct, np.arange(1, expected + 1), err_msg=name)
        mean = ROWS / expected  # drawn with replacement: counts are binomial
        assert abs(counts - mean).max() < 6 * np.sqrt(mean), name
    assert 0 <= x["v3"].min() < 0.1
    assert 99.9 < x["v3"].max() <= 100
    np.testing.assert_array_equal(x["v3"], np.round(x["v3"], 6))


def test_columns_are_drawn_independently():
    x = table("G1")
    numbers = np.array([number(v) if v.dtype.kind == "U" else v for v in x.values()], dtype=np.float64)
    correlation = np.corrcoef(numbers) - np.eye(len(numbers))
    assert abs(correlation).max() < 6 / np.sqrt(ROWS)


def test_missing_values_are_some_of_the_ids_and_some_of_the_rows():
    x, whole = table("G1-missing"), table("G1")
    for name in ("id1", "id2", "id3", "id4", "id5", "id6"):
        absent = x[name] == "" if x[name].dtype.kind == "U" else np.isnan(x[name])
        distinct = len(np.unique(whole[name]))
        assert len(np.unique(x[name][~absent])) == distinct - distinct * 5 // 100
        lost = np.unique(whole[name][absent])
        np.testing.assert_array_equal(
            absent, np.isin(whole[name], lost), err_msg="an id is missing everywhere, or nowhere"
        )
        np.testing.assert_array_equal(x[name][~absent], whole[name][~absent])
    assert [np.isnan(x[name]).sum() for name in ("v1", "v2", "v3")] == [ROWS * 5 // 100] * 3


def test_sorted_rows_are_the_same_rows():
    x, whole = (np.rec.fromarrays(list(table(name).values())) for name in ("G1-sorted", "G1"))
    np.testing.assert_array_equal(x, np.sort(x))
    np.testing.assert_array_equal(x, np.sort(whole))


@pytest.mark.parametrize("rows", [ROWS, 10_000])
def test_join_keys_are_shared_as_the_specification_says(rows: int):
    x, small, medium, big = (table("J1", name, rows) for name in ("x", "small", "medium", "big"))
    assert [len(t["v2"]) for t in (small, medium, big)] == [10, max(rows // 1000, 10), rows]
    assert [list(t) for t in (x, small, medium)] == [
        ["id1", "id2", "id3", "id4", "id5", "id6", "v1"],
        ["id1", "id4", "v2"],
        ["id1", "id2", "id4", "id5", "v2"],
    ]
    for key, n, others in (
        ("id1", 10, (small, medium, big)),
        ("id2", max(rows // 1000, 10), (medium, big)),
        ("id3", rows, (big,)),
    ):
        left = np.unique(x[key])
        assert len(left) == n, "each key at least once"
        for right in (np.unique(other[key]) for other in others):
            assert len(right) == n
            assert len(np.intersect1d(left, right)) == n * 9 // 10
            np.testing.assert_array_equal(np.union1d(left, right), np.arange(1, n * 11 // 10 + 1))
    assert len(np.unique(x["id3"])) == rows, "a permutation"
    for t in (x, small, medium, big):
        for key in ("id1", "id2", "id3"):
            if key in t:
                np.testing.assert_array_equal(number(t[f"id{int(key[2]) + 3}"]), t[key])
    assert abs(np.corrcoef(x["v1"], big["v2"])[0, 1]) < 6 / np.sqrt(rows)
    assert np.corrcoef(np.isin(x["id3"], big["id3"]), np.arange(rows))[0, 1] < 6 / np.sqrt(rows), "in random order"


def test_only_the_left_table_of_a_join_misses_values():
    for name in ("small", "medium", "big"):
        for column, values in table("J1", name).items():
            np.testing.assert_array_equal(table("J1-missing", name)[column], values)
    x = table("J1-missing")
    for key, text in (("id1", "id4"), ("id2", "id5"), ("id3", "id6")):
        np.testing.assert_array_equal(np.isnan(x[key]) if x[key].dtype.kind == "f" else False, x[text] == "")
    assert np.isnan(x["id3"]).sum() == ROWS * 5 // 100
    assert np.isnan(x["v1"]).sum() == ROWS * 5 // 100


def test_sorted_join_tables_are_sorted_by_their_last_key_and_the_left_one_by_all():
    for name, key in (("small", "id1"), ("medium", "id2"), ("big", "id3")):
        assert (np.diff(table("J1-sorted", name)[key]) > 0).all()
    x = table("J1-sorted")
    order = np.lexsort([x["id3"], x["id2"], x["id1"]])
    np.testing.assert_array_equal(order, np.arange(ROWS))


@pytest.mark.parametrize(
    ("dataset", "name", "sha256"),
    [
        ("G1", "x", "6bbae27d1639185a"),
        ("G1-missing", "x", "67afc6471fd6882c"),
        ("G1-sorted", "x", "3bc16133cc092182"),
        ("J1", "x", "1e00631712731930"),
        ("J1-sorted", "big", "d3125cb64296fce8"),
    ],
)
def test_the_recipe_always_makes_the_same_values(dataset: str, name: str, sha256: str):
    """Another version of NumPy, or a change of the recipe without a new VERSION, would be another dataset."""
    digest = hashlib.sha256()
    for column, values in table(dataset, name, 1000).items():
        digest.update(column.encode() + repr(values.tolist()).encode())
    assert digest.hexdigest()[:16] == sha256


def test_another_amount_is_other_data_and_another_file():
    assert get("G1").file("x", 1000) != get("G1").file("x", 2000)
    assert len(table("G1", rows=1000)["v1"]) == 1000
    assert get("G1").checksum() != get("G1-sorted").checksum() != get("J1-sorted").checksum()


@pytest.mark.parametrize("amount", [None, 9])
def test_a_table_of_no_size_says_so(amount: float | None):
    with pytest.raises(BadInput, match="any size from 10 rows on"):
        get("J1").file("small", amount)


def test_the_smallest_tables_are_whole():
    assert [len(table("G1", rows=10)["v1"]), len(table("J1", "small", 10)["v2"])] == [10, 10]
    x, big = table("J1", "x", 10), table("J1", "big", 10)
    assert len(np.intersect1d(x["id3"], big["id3"])) == 9


def test_falsa_draws_its_columns_from_the_same_values():
    """All but id2, of which falsa 0.0.6 makes N / K. See `twinbench.data.db_benchmark` for where else it departs."""
    (batch,) = GroupByGenerator(ROWS, K, 0, 42, ROWS).iter_batches()
    ours = table("G1")
    assert batch.schema.names == list(ours)
    for name in ("id1", "id3", "id4", "id5", "id6", "v1", "v2"):
        theirs = batch.column(name).to_numpy(zero_copy_only=False)
        np.testing.assert_array_equal(np.unique(theirs.astype(ours[name].dtype)), np.unique(ours[name]), err_msg=name)
    v3 = batch.column("v3").to_numpy()
    np.testing.assert_allclose(
        np.quantile(v3, [0, 0.25, 0.5, 0.75, 1]), np.quantile(ours["v3"], [0, 0.25, 0.5, 0.75, 1]), atol=1
    )
