"""The answer of a step on a terminal: the head of a table, a line for each array. And in a file that shows it."""

from __future__ import annotations

import csv
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from twinbench.store.export import literal
from twinbench.views import layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

Answer = Mapping[str, "NDArray[Any]"]
"""Arrays by name, in order."""

HEAD = 10
"""Rows of a table that are shown."""

LISTED = 6
"""Most values of an array that are shown one by one."""

ENDINGS = (".csv", ".npz", ".png", ".wav")
"""Endings of the files that an answer can be written to."""


def render(heading: str, answer: Answer, console: Console, *, table: bool) -> None:
    """Print an answer: the first rows if it is a table, or else a line for each array."""
    layout.widen(console)
    if not table:
        layout.say(console, heading, style="bold")
        lines = layout.table("array", "type", "shape", "missing", "smallest", "mean", "largest", "values")
        for name, values in answer.items():
            lines.add_row(layout.cell(name), *map(layout.cell, summary(values)))
        console.print(lines)
        return
    rows = max((len(column) for column in answer.values()), default=0)
    layout.say(console, heading, f"{rows:,} rows, {len(answer)} columns", style="bold")
    names = list(answer)

    def part(first: int, last: int) -> Any:
        head = layout.table(*(layout.cell(f"{name} ({_type(answer[name])})") for name in names[first:last]))
        for row in range(min(rows, HEAD)):
            head.add_row(*(layout.cell(_shown(answer[name][row])) for name in names[first:last]))
        return head

    for piece in layout.chunks(part, len(names), console):
        console.print(piece)
    if rows > HEAD:
        layout.say(console, f"and {rows - HEAD:,} more rows; --to FILE.csv writes all of them", style="dim")


def summary(values: NDArray[Any]) -> list[str]:
    """Describe an array: type, shape, missing values, smallest, mean and largest value, and the values at its ends."""
    import numpy as np

    flat = values.reshape(-1)
    numbers = np.abs(flat) if flat.dtype.kind == "c" else flat
    present = numbers[~np.isnan(numbers)] if numbers.dtype.kind == "f" else numbers
    figures = ["-", "-", "-"]
    if present.size and present.dtype.kind in "biuf":
        figures = [_shown(present.min()), _shown(present.mean(dtype=np.float64)), _shown(present.max())]
    ends = [*flat[: LISTED // 2], *flat[-LISTED // 2 :]] if flat.size > LISTED else list(flat)
    texts = [_shown(value) for value in ends]
    if flat.size > LISTED:
        texts.insert(LISTED // 2, "...")
    missing = (
        "-"
        if values.dtype.kind not in "fU"
        else str(int(flat.size - present.size) if values.dtype.kind == "f" else int((flat == "").sum()))
    )
    return [_type(values), " x ".join(f"{n:,}" for n in values.shape) or "one", missing, *figures, " ".join(texts)]


def write(answer: Answer, path: Path, rate_hz: float | None) -> str:
    """Write an answer to a file by the file's ending, and say what was written. Raises ValueError where it can't be.

    ``.csv``: a table, or arrays of one length; ``.npz``: any arrays, by name; ``.png``: the first image; ``.wav``: the
    first record, at ``rate_hz``, scaled so that its largest sample is the largest of 16 bits.
    """
    import numpy as np

    ending = path.suffix.lower()
    if ending == ".npz":
        with path.open("wb") as file:
            np.savez(file, **dict[str, Any](answer))
        return f"{len(answer)} arrays"
    if ending == ".csv":
        lengths = {values.shape for values in answer.values()}
        if len(lengths) != 1 or len(next(iter(lengths))) != 1:
            raise ValueError("its arrays aren't columns of one length; write it to FILE.npz")
        with path.open("w", newline="", encoding="utf-8") as text:
            writer = csv.writer(text)
            writer.writerow(map(literal, answer))
            writer.writerows(zip(*map(_cells, answer.values()), strict=True))
        return f"{len(next(iter(answer.values()))):,} rows"
    values = answer.get("x")
    if ending == ".png":
        return _write_png(values, path)
    if ending == ".wav":
        return _write_wav(values, path, rate_hz)
    raise ValueError(f"'{path.suffix}' is not one of the endings {', '.join(ENDINGS)}")


def _cells(values: NDArray[Any]) -> list[Any]:
    """Return the values of a column as cells of a CSV file, whose texts no spreadsheet executes."""
    return [literal(value) if isinstance(value, str) else value for value in values.tolist()]


def _write_png(values: NDArray[Any] | None, path: Path) -> str:
    import numpy as np

    if (
        values is None
        or values.ndim not in (3, 4)
        or (values.ndim == 4 and values.shape[3] not in (1, 3))
        or not len(values)
    ):
        raise ValueError("it holds no images; write it to FILE.npz")
    try:
        from PIL import Image
    except ImportError:
        raise ValueError("writing a picture needs Pillow; install twinbench[images]") from None
    first = np.squeeze(values[0], axis=-1) if values.ndim == 4 and values.shape[3] == 1 else values[0]
    if first.dtype != np.uint8:
        finite = np.nan_to_num(first.astype(np.float64))
        span = finite.max() - finite.min() or 1.0
        first = np.round((finite - finite.min()) / span * 255).astype(np.uint8)
    Image.fromarray(first).save(path)
    return f"image 1 of {len(values):,}, {first.shape[0]} x {first.shape[1]}"


def _write_wav(values: NDArray[Any] | None, path: Path, rate_hz: float | None) -> str:
    import numpy as np

    if values is None or values.ndim != 2 or values.dtype.kind != "f" or not len(values):
        raise ValueError("it holds no records of samples; write it to FILE.npz")
    if rate_hz is None:
        raise ValueError("its pipeline names no rate_hz; write it to FILE.npz")
    record = np.nan_to_num(values[0].astype(np.float64))
    levels = np.round(record / (np.abs(record).max(initial=0.0) or 1.0) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(round(rate_hz))
        file.writeframes(levels.tobytes())
    return f"record 1 of {len(values):,}, {len(record) / rate_hz:.3g} s at {rate_hz:g} Hz"


def _type(values: NDArray[Any]) -> str:
    return "string" if values.dtype.kind == "U" else values.dtype.name


def _shown(value: Any) -> str:
    if value.dtype.kind in "fc":
        return f"{value:.6g}"
    return str(value)
