"""The kinds of data that pipelines are about, and what follows from each: the only list of modalities.

The ops of a modality are in ``twinbench.ops`` under its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModalityName = Literal["tables", "signals", "images", "training", "probe"]
"""The modalities that a pipeline may name. ``probe`` holds the ops by which the harness measures itself."""

Unit = Literal["rows", "records", "seconds", "images", "megapixels"]
"""What a size of a pipeline counts."""


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """What the array ``x`` of a user's NPZ file must be."""

    dtype: str
    axes: tuple[int, ...]
    """How many axes the array may have."""
    description: str
    """The axes in words, for messages."""


@dataclass(frozen=True, slots=True)
class OwnData:
    """How a pipeline's file names the user's own data of a modality."""

    key: Literal["files", "arrays"]
    """The key of ``[dataset]``: CSV files, or an NPZ file."""
    unit: Unit
    kind: Literal["arrays", "images"] | None = None
    """The kind of the value that steps take as ``data``; None where steps read files."""
    x: ArrayShape | None = None


@dataclass(frozen=True, slots=True)
class Modality:
    """A kind of data."""

    name: ModalityName
    own: OwnData | None = None
    """None where a pipeline can't name data of the user's own."""


MODALITIES: dict[str, Modality] = {
    modality.name: modality
    for modality in (
        Modality("tables", OwnData("files", "rows")),
        Modality(
            "signals",
            OwnData("arrays", "records", "arrays", ArrayShape("float64", (2,), "(records, samples)")),
        ),
        Modality(
            "images",
            OwnData(
                "arrays",
                "images",
                "images",
                ArrayShape("uint8", (3, 4), "(images, height, width), or (images, height, width, 3)"),
            ),
        ),
        Modality("training"),
        Modality("probe"),
    )
}
"""Every modality by its name, in the order in which they are listed."""

OTHER_KEY: dict[str, str] = {"files": "arrays", "arrays": "files"}
"""By key of ``[dataset]``, the key that excludes it."""
