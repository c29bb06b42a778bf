"""``mnist`` and ``fashion-mnist``: 70,000 images of 28 x 28 pixels each, downloaded or in the user's own directory."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.data import cache, source
from twinbench.data.dataset import Dataset, Say, amount_of, evenly
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
"""Names of the files: training images and labels, test images and labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idx(Dataset):
    """Images in IDX files.

    The value holds ``x`` uint8 (images, 28, 28), ``y`` int64, ``test`` uint8, 1 for test images.
    """

    url: str
    """URL of the directory with the files."""
    sha256: tuple[str, str, str, str]
    """Checksums of the files, in the order of `FILES`."""

    def missing(self) -> str | None:
        """Return what to do if a file isn't on this machine, else None."""
        if all(source.local_file(self.name, self._target(file)).is_file() for file in FILES):
            return None
        return f"its files are not on this machine; run: twinbench data fetch {self.name}"

    def fetch(self, say: Say) -> None:
        """Download the files that this machine lacks, and check all."""
        for file in self.checksums():
            if not source.local_file(self.name, self._target(file)).is_file():
                say(f"{self.name}: {self.url}{file}")
            self._file(file)

    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of each file as distributed."""
        return dict(zip(FILES, self.sha256, strict=True))

    def value(self, amount: float | None) -> Arrays:
        """Return the images, or ``amount`` of them, evenly spaced and in order."""
        return cache.arrays_at(self.directory() / f"images-{amount_of(amount)}", lambda: self._read(amount))

    def _read(self, amount: float | None) -> Arrays:
        import numpy as np

        images, labels, test_images, test_labels = (read(self._file(name)) for name in FILES)
        whole = {
            "x": np.concatenate([images, test_images]),
            "y": np.concatenate([labels, test_labels]).astype(np.int64),
            "test": np.repeat(np.array([0, 1], np.uint8), [len(images), len(test_images)]),
        }
        return {name: values[evenly(len(values), amount)] for name, values in whole.items()}

    def _target(self, file: str) -> Path:
        return self.directory() / "files" / file

    def _file(self, file: str) -> Path:
        return source.url_file(self.name, self.url + file, self.checksums()[file], self._target(file))


def read(path: Path) -> NDArray[Any]:
    """Read a gzipped IDX file of unsigned bytes, which holds the sizes of the axes and then the numbers, as uint8."""
    import numpy as np

    data = gzip.decompress(path.read_bytes())
    _, kind, axes = struct.unpack_from(">HBB", data)
    assert kind == 8, f"{path} doesn't hold unsigned bytes"
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(struct.unpack_from(f">{axes}I", data, 4))


MNIST = Idx(
    name="mnist",
    modality="images",
    summary="70,000 handwritten digits, 28 x 28 pixels, 10 classes",
    source="LeCun, Cortes & Burges 1998, from the mirror that PyTorch keeps (ossci-datasets)",
    licence="none is named; free for research, to be cited",
    unit="images",
    most=70_000,
    split="its own: the last 10,000 are for testing",
    value_kind="images",
    url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    sha256=(
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)
FASHION_MNIST = Idx(
    name="fashion-mnist",
    modality="images",
    summary="70,000 pictures of clothes, 28 x 28 pixels, 10 classes",
    source="Xiao, Rasul & Vollgraf 2017, github.com/zalandoresearch/fashion-mnist",
    licence="MIT",
    unit="images",
    most=70_000,
    split="its own: the last 10,000 are for testing",
    value_kind="images",
    url="https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    sha256=(
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)
