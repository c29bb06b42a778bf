"""``python docs/pictures.py [NAME...]``: draw the pictures that the site shows, of those datasets that are here."""

from __future__ import annotations

import sys
from pathlib import Path

from twinbench.data import picture
from twinbench.data.registry import DATASETS, get

FOLDER = Path(__file__).parent / "data"

ENOUGH = 20_000
"""Of what is drawn, where a dataset has more, or can be made in any size: more is no more to the eye."""


def main(names: list[str]) -> None:
    """Draw these, or all."""
    for dataset in [get(name) for name in names] or DATASETS.values():
        reason = dataset.missing()
        if reason is None:
            small = {"seconds": 1, "megapixels": 0.3}.get(dataset.unit, ENOUGH)
            amount = small if dataset.most is None or dataset.most > small else None
            picture.draw(dataset, amount, FOLDER / f"{dataset.name}.png")
        print(f"{dataset.name}: {reason or 'drawn'}")


if __name__ == "__main__":
    main(sys.argv[1:])
