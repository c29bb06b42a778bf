"""The op that reads recordings, and what it asks of WAV files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import EXACT, Arrays, Op, OutsideContract

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

PCM = 1
"""The format tag of linear PCM."""

FORMATS = {3: "floating point", 6: "A-law", 7: "mu-law", 0xFFFE: "the extensible format"}
"""Names of formats that are met in WAV files, besides PCM, by tag."""

STREAMED = (0, 0xFFFFFFFF)
"""Lengths that a program writes which doesn't know the length yet."""

ADVICE = "convert it to 16-bit PCM in one channel, with a program such as sox or ffmpeg"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWav:
    """``folder``: name of the folder in the dataset. ``samples``: number of samples of each record."""

    folder: str
    samples: int

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError("samples must be at least 1")


def recordings(folder: Path) -> list[Path]:
    """Return the files in ``train``, then those in ``test``, each sorted by name."""
    return [file for part in ("train", "test") for file in sorted((folder / part).glob("*.wav"))]


def require_recordings(p: ReadWav, path: str) -> None:
    """Refuse a folder without recordings, a name without a label, other files than WAV, and rates that differ."""
    folder = Path(path)
    files = recordings(folder)
    if not files:
        raise OutsideContract(f"{folder}: neither train nor test holds a file LABEL-*.wav; put one there")
    rates: dict[int, Path] = {}
    for file in files:
        label, hyphen, _ = file.name.partition("-")
        if not (hyphen and label.isascii() and label.isdigit() and int(label) < 2**63):
            raise OutsideContract(f"{file}: the name must begin with a whole number and a hyphen, as in 3-a.wav")
        try:
            rates.setdefault(content(file)[0], file)
        except OSError as error:
            raise OutsideContract(f"{file}: {error.strerror}; put a WAV file there") from error
    if len(rates) > 1:
        (rate, file), (other_rate, other) = list(rates.items())[:2]
        raise OutsideContract(f"{other} has {other_rate:,} samples a second, and {file} {rate:,}; resample one of them")


def content(file: Path) -> tuple[int, Array]:
    """Return the sampling rate and the int16 samples of a file. Raise OutsideContract for another kind of file."""
    import numpy as np

    data = file.read_bytes()
    if not data:
        raise OutsideContract(f"{file}: the file is empty; put a WAV file there")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise OutsideContract(f"{file}: the file is not a RIFF WAVE file; {ADVICE}")
    announced = _number(data, 4, 4)
    if announced in STREAMED:
        what = f"the file's length is given as {announced:,}, as a program writes it that streams"
        raise OutsideContract(f"{file}: {what}; {ADVICE}")
    if announced + 8 != len(data):
        raise OutsideContract(
            f"{file}: {announced + 8:,} bytes are announced, and the file has {len(data):,}; {ADVICE}"
        )
    chunks = _chunks(data, file)
    names = [name for name, _ in chunks]
    if names.count(b"fmt ") != 1 or names.count(b"data") != 1 or names.index(b"fmt ") > names.index(b"data"):
        raise OutsideContract(f"{file}: the file needs one format, and samples after it; {ADVICE}")
    parts = dict(chunks)
    rate, samples = _rate(parts[b"fmt "], file), parts[b"data"]
    return rate, np.frombuffer(samples, dtype="<i2")


def _number(data: bytes, start: int, length: int) -> int:
    return int.from_bytes(data[start : start + length], "little")


def _chunks(data: bytes, file: Path) -> list[tuple[bytes, bytes]]:
    """Return the chunks as pairs of a name and a body. Refuse a chunk of odd length, after which a byte is skipped."""
    chunks, position = [], 12
    while position < len(data):
        name, length = data[position : position + 4], _number(data, position + 4, 4)
        body = data[position + 8 : position + 8 + length]
        position += 8 + length
        shown = name.decode("latin-1")
        if position > len(data):
            raise OutsideContract(f"{file}: the chunk '{shown}' of {length:,} bytes reaches beyond the end; {ADVICE}")
        if name == b"fmt ":
            _rate(body, file)  # says "8 bits" of a file whose samples then have an odd length
        if length % 2:
            raise OutsideContract(
                f"{file}: the chunk '{shown}' has an odd length of {length:,} bytes, where libraries differ; {ADVICE}"
            )
        chunks.append((name, body))
    return chunks


def _rate(form: bytes, file: Path) -> int:
    """Return the sampling rate of a format. Refuse other formats than 16-bit PCM in one channel."""
    tag, channels, rate, bits = (_number(form, at, size) for at, size in ((0, 2), (2, 2), (4, 4), (14, 2)))
    if len(form) not in (16, 18):
        raise OutsideContract(f"{file}: its format has {len(form)} bytes instead of 16 or 18; {ADVICE}")
    if tag != PCM:
        raise OutsideContract(f"{file}: its samples are in {FORMATS.get(tag, f'format {tag}')}; {ADVICE}")
    if bits != 16:
        raise OutsideContract(f"{file}: its samples have {bits} bits; {ADVICE}")
    if channels != 1:
        raise OutsideContract(f"{file}: it has {channels} channels; {ADVICE}")
    if rate == 0:
        raise OutsideContract(f"{file}: its sampling rate is 0; {ADVICE}")
    bytes_per_second, bytes_per_sample = _number(form, 8, 4), _number(form, 12, 2)
    if (bytes_per_second, bytes_per_sample) != (2 * rate, 2):
        raise OutsideContract(
            f"{file}: its header gives {bytes_per_second:,} bytes a second and {bytes_per_sample} a sample, where "
            f"16 bits at {rate:,} samples a second are {2 * rate:,} and 2; {ADVICE}"
        )
    return rate


def read_wav(p: ReadWav, path: str) -> Arrays:
    """Return ``x``, ``y`` and ``test``."""
    import numpy as np

    files = recordings(Path(path))
    x = np.zeros((len(files), p.samples))
    for record, file in zip(x, files, strict=True):
        samples = content(file)[1][: p.samples]
        record[: len(samples)] = samples / 32768
    return {
        "x": x,
        "y": np.array([int(file.name.partition("-")[0]) for file in files], dtype=np.int64),
        "test": np.array([file.parent.name == "test" for file in files], dtype=np.uint8),
    }


READ_WAV = Op(
    name="signals.read_wav",
    params=ReadWav,
    inputs=("file",),
    output="arrays",
    summary="Read a folder of WAV files.",
    semantics="""The path is a folder that holds the folders `train` and `test`, or one of them, with files
`LABEL-*.wav`, at least one: RIFF WAVE whose lengths are those of the file, 16-bit linear PCM (format 1), one channel,
all at one sampling rate. Chunks other than `fmt ` and `data` are skipped; none has an odd length, because libraries
differ about the byte that follows. The records are the files in `train`, then those in `test`, each sorted by name, by
code point. Output: `x` float64 (records, samples), the integer samples / 32768 from the start of each file, truncated
or padded with zeros at the end; `y` int64 (records,), the integer LABEL before the first hyphen, digits only; `test`
uint8 (records,), 1 for files in `test`. Files are read from the page cache.""",
    source="Multimedia Programming Interface and Data Specifications 1.0, IBM and Microsoft, 1991",
    reference=read_wav,
    requires=require_recordings,
    tolerance=EXACT,
    file_param="folder",
)
