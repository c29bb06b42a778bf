"""The kinds of data that pipelines are about, and what follows from each: the only list of modalities.

The ops of a modality are in ``twinbench.ops`` under its name. A pipeline may name any other modality, whose ops are the
user's or an installed package's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModalityName = Literal["tables", "signals", "images", "training", "probe"]
"""The modalities that have ops of ours. ``probe`` holds the ops by which the harness measures itself."""

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
    """What ``x`` must be; None where it may be any array with one entry for each record."""


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

OPEN: dict[str, OwnData] = {
    "files": OwnData("files", "rows"),
    "arrays": OwnData("arrays", "records", "arrays"),
}
"""Own data of a modality that isn't in `MODALITIES`, by the key of ``[dataset]`` that is present."""

OTHER_KEY: dict[str, str] = {"files": "arrays", "arrays": "files"}
"""The key of ``[dataset]`` that must be absent, by the key that is present."""
