"""``photos``: a picture of any size, composed of the photographs in scikit-learn and scikit-image.

Photographs are tiled and reflected, never enlarged: a smooth enlargement would have none of the detail that a real
picture of that size has.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.data import cache, source
from twinbench.data.dataset import Dataset, Say, amount_of
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

PHOTOGRAPHS = {
    "sklearn/datasets/images/china.jpg": "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    "sklearn/datasets/images/flower.jpg": "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    "skimage/data/astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "skimage/data/chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "skimage/data/coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "skimage/data/rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}
"""Checksums of the photographs, in the order of the tiles: three rows of two. Each is at least as large as a tile."""

DISTRIBUTIONS = {"sklearn": "scikit-learn", "skimage": "scikit-image"}
TILE = (300, 450)
"""Height and width in pixels of the tile from the middle of each photograph."""
QUALITY = 90
"""Quality of the JPEG file, whose chroma is halved in both directions, as cameras do."""
RECIPE = f"tiles {TILE}, three rows of two, reflected to 4:3, JPEG {QUALITY}"
SMALLEST = 0.3
"""Size in megapixels of the picture without a size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photos(Dataset):
    """One picture of 4:3.

    The value holds ``x`` uint8 (1, height, width, 3); two directories hold it as PNG and JPEG.
    """

    def missing(self) -> str | None:
        """Return what to do if a package isn't installed, else None.

        scikit-image requires Pillow, which reads the files.
        """
        return next(filter(None, map(source.not_installed, DISTRIBUTIONS.values())), None)

    def fetch(self, say: Say) -> None:
        """Check the checksums of the photographs."""
        for name in PHOTOGRAPHS:
            self._photograph(name)

    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of each photograph as distributed, and of the recipe."""
        return PHOTOGRAPHS | {"recipe": hashlib.sha256(RECIPE.encode()).hexdigest()}

    def file(self, name: str, amount: float | None) -> Path:
        """Return a directory that holds the picture as one PNG or JPEG file."""
        target = self.directory() / f"{self.require_file(name)}-{amount_of(amount or SMALLEST)}"
        if not cache.intact(target):
            from PIL import Image

            picture = Image.fromarray(self.value(amount)["x"][0])
            with cache.filled(target) as directory:
                if name == "png":
                    picture.save(directory / "photo.png")
                else:
                    picture.save(directory / "photo.jpg", quality=QUALITY, subsampling="4:2:0")
        return target

    def value(self, amount: float | None) -> Arrays:
        """Return the picture of ``amount`` megapixels."""
        megapixels = amount or SMALLEST
        return cache.arrays_at(self.directory() / f"pixels-{amount_of(megapixels)}", lambda: self._laid(megapixels))

    def _laid(self, megapixels: float) -> Arrays:
        import numpy as np

        height = round(math.sqrt(megapixels * 1e6 * 3 / 4))
        width = round(height * 4 / 3)
        tiles = [self._tile(name) for name in PHOTOGRAPHS]
        laid = np.vstack([np.hstack(tiles[first : first + 2]) for first in range(0, len(tiles), 2)])
        beyond = [(0, max(0, height - laid.shape[0])), (0, max(0, width - laid.shape[1])), (0, 0)]
        return {"x": np.pad(laid, beyond, mode="symmetric")[None, :height, :width]}

    def _tile(self, name: str) -> NDArray[Any]:
        """Return the middle of a photograph, uint8 (*TILE, 3)."""
        import numpy as np
        from PIL import Image

        with Image.open(self._photograph(name)) as image:
            pixels = np.asarray(image.convert("RGB"))
        top, left = (pixels.shape[0] - TILE[0]) // 2, (pixels.shape[1] - TILE[1]) // 2
        return pixels[top : top + TILE[0], left : left + TILE[1]]

    def _photograph(self, name: str) -> Path:
        distribution = DISTRIBUTIONS[name.partition("/")[0]]
        return source.installed_file(self.name, distribution, name, PHOTOGRAPHS[name])


PHOTOS = Photos(
    name="photos",
    modality="images",
    summary="A picture of any size: six real photographs, tiled and reflected",
    source="scikit-learn (china, flower), scikit-image (astronaut, chelsea, coffee, rocket)",
    licence="CC-BY-2.0 (china by danielbuechele, flower by vultilion), the others CC0 or public domain",
    unit="megapixels",
    most=None,
    split="none: there is nothing to learn",
    files=("png", "jpeg"),
    value_kind="images",
)
