"""Recorded series with official splits, from the UCR and UEA archives, read from aeon's wheel without installing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.data import cache, source
from twinbench.data.dataset import Dataset, Say, amount_of
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

REQUIREMENT = "aeon==1.6.0"
PARTS = ("TRAIN", "TEST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series(Dataset):
    """Recordings of equal length, with classes.

    The value holds ``x`` float64 (records, samples), ``y`` int64, the classes from 0 in the order of the archive's
    header, and ``test`` uint8, 1 for the archive's test records, which come last.
    """

    sha256: Mapping[str, str]
    """Checksums of the archive's two files, by part (`PARTS`)."""

    def missing(self) -> str | None:
        """Return what to do if the files aren't on this machine, else None."""
        return (
            None
            if self._files().is_dir()
            else f"its files are not on this machine; run: twinbench data fetch {self.name}"
        )

    def fetch(self, say: Say) -> None:
        """Download aeon's wheel unless the files are on this machine, and check their checksums."""
        if not cache.intact(self._files()):
            say(f"{self.name}: {REQUIREMENT}, 6.4 MB, of which two files are kept")
            members = {f"aeon/datasets/data/{self.name}/{self._file(part)}": self.sha256[part] for part in PARTS}
            source.wheel_files(self.name, REQUIREMENT, members, self._files())
        for part in PARTS:
            path = self._files() / self._file(part)
            source.check(path, self.sha256[part], self.name, f"remove {self._files()}")

    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of each file as distributed."""
        return {self._file(part): self.sha256[part] for part in PARTS}

    def value(self, amount: float | None) -> Arrays:
        """Return the records, or ``amount`` of them, evenly spaced and in order."""
        wanted = None if amount is None or amount == self.most else int(amount)
        return cache.arrays_at(self.directory() / f"records-{amount_of(wanted)}", lambda: self._cut(wanted))

    def _files(self) -> Path:
        return self.directory() / "files"

    def _file(self, part: str) -> str:
        return f"{self.name}_{part}.ts"

    def _cut(self, wanted: int | None) -> Arrays:
        import numpy as np

        self.fetch(lambda line: None)
        parts = [read(self._files() / self._file(part)) for part in PARTS]
        channels = np.concatenate([values for values, _ in parts])
        whole = _one_channel(channels) | {
            "y": np.concatenate([labels for _, labels in parts]),
            "test": np.repeat(np.array([0, 1], np.uint8), [len(labels) for _, labels in parts]),
        }
        if wanted is None:
            return whole
        rows = np.arange(wanted) * len(channels) // wanted
        return {name: values[rows] for name, values in whole.items()}


def _one_channel(channels: NDArray[Any]) -> Arrays:
    """Return ``x`` (records, samples) and, if the records have several channels, ``channels`` as well.

    Of several channels, ``x`` is the magnitude of the first three, the axes of an accelerometer, because a magnitude
    doesn't depend on how the sensor was worn.
    """
    import numpy as np

    if channels.shape[1] == 1:
        return {"x": np.ascontiguousarray(channels[:, 0])}
    return {"x": np.sqrt(np.sum(channels[:, :3] ** 2, axis=1)), "channels": channels}


def read(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read a file in the archive's format ``ts``: float64 (records, channels, samples), and int64 classes from 0."""
    import numpy as np

    names: list[str] = []
    records, labels = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("@classLabel"):
            names = line.split()[2:]
        elif line and not line.startswith(("@", "#")):
            *channels, label = line.split(":")
            records.append([np.array(channel.split(","), dtype=np.float64) for channel in channels])
            labels.append(names.index(label))
    return np.array(records), np.array(labels, dtype=np.int64)


ARCHIVE = "as packaged by aeon 1.6.0"
LICENCE = "the archive names none: free for research, to be cited; aeon is BSD-3-Clause"


def _series(name: str, records: int, summary: str, by: str, train: str, test: str) -> Series:
    return Series(
        name=name,
        modality="signals",
        summary=summary,
        source=f"{by}, {ARCHIVE}",
        licence=LICENCE,
        unit="records",
        most=records,
        split="the archive's own",
        value_kind="arrays",
        sha256={"TRAIN": train, "TEST": test},
    )


UCR = "UCR Time Series Archive (Dau et al. 2019)"

DATASETS = (
    _series(
        "ACSF1",
        200,
        "Power that household appliances of 10 kinds take, 1,460 samples of 10 s each",
        f"Gisler et al. 2013, {UCR}",
        "0646b90dc4843e02baed6b2ba345c5601a4991b6796565489cef1b2d92a7537b",
        "93e8aaeb44a10af181d24a156e60da7021193cd990ca28f263fccf3b905bfebf",
    ),
    _series(
        "GunPoint",
        200,
        "A hand that draws a gun or points a finger: its horizontal place in 150 frames of video",
        f"Ratanamahatana & Keogh 2005, {UCR}",
        "f842401779fd9800d247d8b33121a1a4643710a19b24917dbdd9a060ca8630d5",
        "79332750788a6227b325b96bd0d70130c8eb707b9731f8d7dec62b7a7d36017e",
    ),
    _series(
        "BasicMotions",
        80,
        "Standing, running, walking, badminton: acceleration and rotation of a smart watch, 100 samples at 10 Hz",
        "UEA Multivariate Time Series Archive (Bagnall et al. 2018)",
        "8dc43cc6306cb679c888c01e26f91772ac4441a916da43bac8b79734a538b9d6",
        "79213102bc6fca1a398ad98ce1185dff0208fa3d1465e687f48288946b0ff8dc",
    ),
    _series(
        "ItalyPowerDemand",
        1096,
        "Electricity demand of Italy by the hour: days of October to March, and of April to September",
        f"Keogh et al. 2006, {UCR}",
        "341269cb7e6cef96846b30e774580beec79addb93848ba360145219115a74b7c",
        "26122451f87dd0387ef90b18bc8a86c041371b8a1c068004922b939971247144",
    ),
)
