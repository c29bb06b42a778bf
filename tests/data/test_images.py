"""Datasets of images: real pixels from installed wheels, pictures of any size, and files from a web server."""

from __future__ import annotations

import gzip
import hashlib
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbench.data import registry
from twinbench.data.digits import DIGITS
from twinbench.data.mnist import FASHION_MNIST, FILES, MNIST, Idx
from twinbench.data.photos import PHOTOS
from twinbench.errors import BadInput
from twinbench.ops.images.jpeg import read_jpeg
from twinbench.ops.images.png import read_png


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("TWINBENCH_FILES_DIR", raising=False)


def test_the_digits_are_scikit_learns_without_importing_it():
    code = (
        "from twinbench.data.digits import DIGITS; import sys; DIGITS.value(None); assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    from sklearn.datasets import load_digits

    value, known = DIGITS.value(None), load_digits()
    np.testing.assert_array_equal(value["y"], known.target)
    np.testing.assert_array_equal(value["x"], np.floor(known.images * 255 / 16 + 0.5))
    assert value["x"].dtype == np.uint8
    assert DIGITS.missing() is None


def test_fewer_images_are_evenly_spaced_and_in_order():
    whole, cut = DIGITS.value(None), DIGITS.value(100)
    rows = [k * 1797 // 100 for k in range(100)]
    np.testing.assert_array_equal(cut["x"], whole["x"][rows])
    np.testing.assert_array_equal(cut["y"], whole["y"][rows])


@pytest.mark.parametrize(("megapixels", "shape"), [(0.3, (474, 632)), (2, (1225, 1633))])
def test_a_picture_has_the_size_asked_for_and_is_made_of_the_photographs(megapixels: float, shape: tuple[int, int]):
    picture = PHOTOS.value(megapixels)["x"]
    assert picture.shape == (1, *shape, 3)
    assert picture.dtype == np.uint8
    from PIL import Image

    with Image.open(PHOTOS._photograph("sklearn/datasets/images/china.jpg")) as image:
        china = np.asarray(image)
    top, left = (china.shape[0] - 300) // 2, (china.shape[1] - 450) // 2
    np.testing.assert_array_equal(picture[0, :300, :450], china[top : top + 300, left : left + 450])
    if shape[0] > 900:
        np.testing.assert_array_equal(picture[0, 900], picture[0, 899])  # reflected, not stretched
        np.testing.assert_array_equal(picture[0, 1000], picture[0, 799])


def test_a_picture_of_twelve_megapixels_is_made_in_the_same_way():
    assert PHOTOS.value(12)["x"].shape == (1, 3000, 4000, 3)


def test_the_files_hold_the_picture():
    picture = PHOTOS.value(0.05)["x"][0]
    (png,) = PHOTOS.file("png", 0.05).iterdir()
    (jpeg,) = PHOTOS.file("jpeg", 0.05).iterdir()
    np.testing.assert_array_equal(read_png(png.read_bytes()), picture)
    lossy = read_jpeg(jpeg.read_bytes()).astype(int)
    assert 0 < np.abs(lossy - picture).mean() < 5
    with pytest.raises(BadInput, match="did you mean 'jpeg'"):
        PHOTOS.file("jpg", 0.05)


def test_every_dataset_of_images_says_where_it_is_from_and_how_it_is_split():
    for dataset in (DIGITS, PHOTOS, MNIST, FASHION_MNIST):
        assert registry.get(dataset.name) is dataset
        assert dataset.source
        assert dataset.licence
        assert dataset.split
        assert all(len(sha256) == 64 for sha256 in dataset.checksums().values())


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return gzip.compress(header + values.tobytes(), mtime=0)


SMALL = [
    np.arange(6 * 28 * 28, dtype=np.uint8).reshape(6, 28, 28),
    np.arange(6, dtype=np.uint8),
    np.full((2, 28, 28), 9, np.uint8),
    np.array([7, 8], np.uint8),
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Files in MNIST's format, of eight images."""
    directory = tmp_path / "web" / "mnist"
    directory.mkdir(parents=True)
    for name, values in zip(FILES, SMALL, strict=True):
        (directory / name).write_bytes(idx(values))
    return directory


@pytest.fixture
def server(files: Path) -> Iterator[tuple[str, list[str]]]:
    """A web server on the loopback interface with these files. Gives its address, and what it was asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(files.parent))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/mnist/", asked
        server.shutdown()
        thread.join()


def small(url: str) -> Idx:
    """MNIST, of other files."""
    return replace(MNIST, url=url, most=8, sha256=tuple(hashlib.sha256(idx(values)).hexdigest() for values in SMALL))


def test_files_are_fetched_once_and_keep_their_split(server: tuple[str, list[str]]):
    url, asked = server
    dataset = small(url)
    assert "twinbench data fetch mnist" in (dataset.missing() or "")
    said: list[str] = []
    dataset.fetch(said.append)
    assert len(said) == len(asked) == 4
    assert dataset.missing() is None
    value = dataset.value(None)
    dataset.fetch(said.append)
    assert len(said) == len(asked) == 4
    np.testing.assert_array_equal(value["x"], np.concatenate([SMALL[0], SMALL[2]]))
    assert value["y"].tolist() == [0, 1, 2, 3, 4, 5, 7, 8]
    assert value["test"].tolist() == [0] * 6 + [1] * 2
    assert dataset.value(4)["y"].tolist() == [0, 2, 4, 7]


def test_a_changed_file_is_refused_and_not_kept(server: tuple[str, list[str]], files: Path):
    (files / FILES[1]).write_bytes(idx(np.zeros(6, np.uint8)))
    dataset = small(server[0])
    with pytest.raises(BadInput, match=r"dataset mnist: .*train-labels.* has another checksum than"):
        dataset.value(None)
    assert not dataset._target(FILES[1]).exists()


def test_a_server_without_the_file_is_one_line(server: tuple[str, list[str]], files: Path):
    (files / FILES[0]).unlink()
    with pytest.raises(BadInput, match=r"can't be fetched: HTTPError; where there is no network, put the file at"):
        small(server[0]).fetch(lambda line: None)


def test_without_a_network_the_message_says_where_to_put_the_file():
    dataset = small("http://127.0.0.1:9/mnist/")
    with pytest.raises(BadInput) as caught:
        dataset.value(None)
    message = str(caught.value)
    assert "\n" not in message
    assert str(dataset._target(FILES[0])) in message
    assert f"TWINBENCH_FILES_DIR to a directory that has it as mnist/{FILES[0]}" in message


def test_files_that_the_user_has_are_used_where_they_are(files: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TWINBENCH_FILES_DIR", str(files.parent))
    dataset = small("http://127.0.0.1:9/mnist/")
    assert dataset.missing() is None
    assert len(dataset.value(None)["x"]) == 8
    (files / FILES[3]).write_bytes(b"something else")
    with pytest.raises(BadInput, match="checksum mismatch"):
        dataset.fetch(lambda line: None)
