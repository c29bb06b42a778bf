"""The kinds of data that pipelines are about, and what follows from each: the only list of modalities.

The ops of a modality are in ``twinbench.ops`` under its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModalityName = Literal["tables", "signals", "images", "training", "probe"]
"""The modalities that a pipeline may name. ``probe`` holds the ops by which the harness measures itself."""

Unit = Literal["rows", "records", "seconds", "images", "megapixels"]
"""The units in which a pipeline may state a size."""


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """The required dtype and axes of the array ``x`` in a user's NPZ file."""

    dtype: str
    axes: tuple[int, ...]
    """Allowed numbers of axes."""
    description: str
    """The axes in words, for messages."""


@dataclass(frozen=True, slots=True)
class OwnData:
    """The keys by which a pipeline's file names the user's own data of a modality."""

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
    """Keys for the user's own data; None if a pipeline of this modality can't use any."""


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
"""The key of ``[dataset]`` that must be absent, by the key that is present."""
