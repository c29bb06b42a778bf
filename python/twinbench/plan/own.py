"""``[dataset]`` of a pipeline's file: the user's own data, by paths from the directory of that file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from twinbench.data.dataset import Dataset
from twinbench.data.own import OwnArrays, OwnTables
from twinbench.errors import BadInput, nearest
from twinbench.modalities import MODALITIES, OPEN, OTHER_KEY

LONGEST_PART = 255
"""Most bytes of the name of a file or a directory."""

Line = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
"""A text for readers: one line that isn't empty, without control characters."""


class Own(BaseModel):
    """The table ``[dataset]`` of a pipeline's file: CSV files for tables, arrays for the other modalities."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    files: (
        Annotated[dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")], Line], Field(min_length=1)] | None
    ) = None
    """CSV files by the name that a step calls them."""
    main: str | None = None
    """Name of the file that a size cuts down; None for the first file."""
    arrays: Line | None = None
    """Path of an NPZ file."""
    source: Line = "the user's own"
    licence: Line = "not stated"


def dataset(path: Path, name: str, modality: str, own: Own) -> Dataset:
    """Describe the dataset of the pipeline in the file ``path``, without opening the data files. Raises BadInput."""
    shape = MODALITIES[modality].own if modality in MODALITIES else OPEN["files" if own.arrays is None else "arrays"]
    if shape is None:
        able = ", ".join(name for name, other in MODALITIES.items() if other.own is not None)
        raise BadInput(f"{path}: dataset: not for {modality}, but for {able}")
    if getattr(own, shape.key) is None or getattr(own, OTHER_KEY[shape.key]) is not None:
        raise BadInput(f"{path}: dataset: for {modality} it names its '{shape.key}', and no '{OTHER_KEY[shape.key]}'")
    common: dict[str, Any] = {
        "name": name,
        "modality": modality,
        "summary": f"the data of {path.name}",
        "source": own.source,
        "licence": own.licence,
        "unit": shape.unit,
        "most": None,
        "split": "by the pipeline",
    }
    paths_by_name = {name: _path(path, f"files.{name}", file) for name, file in (own.files or {}).items()}
    if own.arrays is not None:
        common |= {"value_kind": shape.kind}
        return OwnArrays(**common, paths={"arrays": _path(path, "arrays", own.arrays)})
    main = own.main or next(iter(paths_by_name))
    if main not in paths_by_name:
        raise BadInput(f"{path}: dataset.main: no file is called '{main}'{nearest(main, paths_by_name)}")
    return OwnTables(**common, files=tuple(paths_by_name), paths=paths_by_name, main=main)


def _path(pipeline: Path, key: str, file: str) -> Path:
    if any(len(os.fsencode(part)) > LONGEST_PART for part in Path(file).parts):
        raise BadInput(f"{pipeline}: dataset.{key}: a name of more than {LONGEST_PART} bytes, which no file has")
    try:
        return pipeline.parent / Path(file).expanduser()
    except RuntimeError:  # of a user that there isn't
        raise BadInput(f"{pipeline}: dataset.{key}: '{file}' begins with the home of an unknown user") from None
