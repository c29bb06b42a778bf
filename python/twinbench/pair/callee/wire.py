"""Neutral values as bytes, in both directions: what travels between the harness and the processes of a pair.

Every value begins with a letter that says its kind. Numbers are little-endian, lengths have 8 bytes, text is UTF-8, and
arrays are in C order. ``wire.jl`` and ``reading.jl`` of ``julia/pair`` have the same letters. Nothing that is read runs
code.
"""

from __future__ import annotations

import datetime
import struct
from typing import Any, Callable

from twinbench.pair.callee.values import DTYPES, MISSING, Masked, Missing, Named, Other, Table

EPOCH = datetime.datetime(1970, 1, 1)
MOST_DEPTH = 100
"""Deepest nesting of lists and mappings; a deeper one, or a list that holds itself, can't travel."""


def encode(value: Any) -> bytes:
    """Return a neutral value as bytes. Raises ValueError for values that are nested too deeply."""
    out = bytearray()
    _write(out, value, 0)
    return bytes(out)


def _length(out: bytearray, number: int) -> None:
    out += struct.pack("<Q", number)


def _text(out: bytearray, text: str) -> None:
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")  # half of a pair
    _length(out, len(data))
    out += data


def _write(out: bytearray, value: Any, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise ValueError(f"lists or mappings are nested more than {MOST_DEPTH} deep")
    kind = type(value)
    if value is None:
        out += b"N"
    elif kind is Missing:
        out += b"M"
    elif kind is bool:
        out += b"T" if value else b"F"
    elif kind is int:
        out += b"I"
        _text(out, str(value) if abs(value) < 1 << 64 else hex(value))
    elif kind is float:
        out += b"f" + struct.pack("<d", value)
    elif kind is str:
        out += b"s"
        _text(out, value)
    elif kind in (list, tuple):
        _many(out, b"l" if kind is list else b"t", value, depth)
    elif kind is dict:
        out += b"d"
        _length(out, len(value))
        for key, item in value.items():
            _write(out, key, depth + 1)
            _write(out, item, depth + 1)
    else:
        _rare(out, value, depth)


def _many(out: bytearray, letter: bytes, values: Any, depth: int) -> None:
    out += letter
    _length(out, len(values))
    for item in values:
        _write(out, item, depth + 1)


def _rare(out: bytearray, value: Any, depth: int) -> None:
    if isinstance(value, (bytes, bytearray)):
        out += b"y"
        _length(out, len(value))
        out += value
    elif isinstance(value, complex):
        _scalar(out, "complex128", struct.pack("<dd", value.real, value.imag))
    elif isinstance(value, (set, frozenset)):
        out += b"e"
        _length(out, len(value))
        for item in sorted(encode(item) for item in value):
            out += item
    elif isinstance(value, datetime.datetime):
        _scalar(out, "datetime64[ns]", struct.pack("<q", _nanoseconds(value)))
    elif isinstance(value, datetime.date):
        _scalar(out, "datetime64[D]", struct.pack("<q", (value - EPOCH.date()).days))
    elif isinstance(value, datetime.timedelta):
        _scalar(out, "timedelta64[ns]", struct.pack("<q", value // datetime.timedelta(microseconds=1) * 1000))
    elif isinstance(value, Masked):
        out += b"m"
        _array(out, value.values, depth)
        _array(out, value.mask, depth)
    elif isinstance(value, (Table, Named)):
        _columns(out, value, depth)
    elif isinstance(value, Other):
        out += b"O"
        _text(out, value.kind)
        _text(out, value.text)
    elif hasattr(value, "dtype") and value.shape == ():
        name = value.dtype.name
        _scalar(out, name, value.astype(value.dtype.newbyteorder("<")).tobytes())
    else:
        _array(out, value, depth)


def _nanoseconds(time: datetime.datetime) -> int:
    if time.tzinfo is not None:
        time = time.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return (time - EPOCH) // datetime.timedelta(microseconds=1) * 1000


def _scalar(out: bytearray, dtype: str, data: bytes) -> None:
    out += b"x"
    _text(out, dtype)
    out += data


def _columns(out: bytearray, value: Table | Named, depth: int) -> None:
    columns = value.columns if isinstance(value, Table) else value.values
    out += b"D" if isinstance(value, Table) else b"n"
    if isinstance(value, Table):
        _length(out, value.rows)
    _length(out, len(columns))
    for name, column in columns.items():
        _text(out, name)
        _write(out, column, depth + 1)


def _array(out: bytearray, array: Any, depth: int) -> None:
    name = array.dtype.name
    plain = name in DTYPES
    out += b"a" if plain else b"A"
    if plain:
        _text(out, name)
    _length(out, array.ndim)
    for size in array.shape:
        _length(out, size)
    if plain:
        out += array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    else:
        for item in array.ravel().tolist():
            _write(out, item, depth + 1)


class Reader:
    """Reads values one after another from bytes. Raises ValueError for bytes that aren't a value."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise ValueError("a message ends before its value does")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def _length(self) -> int:
        (number,) = struct.unpack("<Q", self._take(8))
        return int(number)

    def _text(self) -> str:
        data = self._take(self._length())
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return data.decode("utf-8", "surrogateescape")

    def value(self) -> Any:
        """Read the next value. Raises ValueError."""
        letter = self._take(1)
        if letter not in _READ:
            raise ValueError(f"a message holds a value of the unknown kind {letter!r}")
        return _READ[letter](self)

    def _whole(self) -> int:
        return int(self._text(), 0)

    def _values(self) -> list[Any]:
        return [self.value() for _ in range(self._length())]

    def _mapping(self) -> dict[Any, Any]:
        return {_hashable(self.value()): self.value() for _ in range(self._length())}

    def _named(self) -> dict[str, Any]:
        return {self._text(): self.value() for _ in range(self._length())}

    def _number(self) -> float:
        (number,) = struct.unpack("<d", self._take(8))
        return float(number)

    def _scalar(self) -> Any:
        dtype = self._dtype()
        if dtype == "complex128":
            return complex(*struct.unpack("<dd", self._take(16)))
        if dtype == "int64":
            return struct.unpack("<q", self._take(8))[0]
        if dtype.startswith(("datetime64", "timedelta64")):
            return _time(dtype, struct.unpack("<q", self._take(8))[0])
        import numpy as np

        return np.frombuffer(self._take(np.dtype(dtype).itemsize), dtype)[0]

    def _dtype(self) -> str:
        name = self._text()
        if name not in DTYPES:
            raise ValueError(f"a message holds numbers of the unknown type {name!r}")
        return name

    def _array(self) -> Any:
        import numpy as np

        dtype = np.dtype(self._dtype())
        shape = tuple(self._shape())
        count = 1
        for size in shape:
            count *= size
        return np.frombuffer(self._take(count * dtype.itemsize), dtype).reshape(shape).copy()

    def _shape(self) -> list[int]:
        return [self._length() for _ in range(self._length())]

    def _objects(self) -> Any:
        import numpy as np

        array = np.empty(tuple(self._shape()), object)
        flat = array.reshape(-1)
        for index in range(array.size):
            flat[index] = self.value()
        return array


def _hashable(key: Any) -> Any:
    return tuple(_hashable(item) for item in key) if isinstance(key, (list, tuple)) else key


def _time(dtype: str, number: int) -> Any:
    if dtype == "datetime64[D]":
        return EPOCH.date() + datetime.timedelta(days=number)
    span = datetime.timedelta(microseconds=number // 1000)
    return EPOCH + span if dtype.startswith("datetime64") else span


_READ: dict[bytes, Callable[[Reader], Any]] = {
    b"N": lambda reader: None,
    b"M": lambda reader: MISSING,
    b"T": lambda reader: True,
    b"F": lambda reader: False,
    b"I": Reader._whole,
    b"f": Reader._number,
    b"s": Reader._text,
    b"y": lambda reader: reader._take(reader._length()),
    b"x": Reader._scalar,
    b"a": Reader._array,
    b"A": Reader._objects,
    b"m": lambda reader: Masked(reader.value(), reader.value()),
    b"l": Reader._values,
    b"t": lambda reader: tuple(reader._values()),
    b"e": lambda reader: {_hashable(item) for item in reader._values()},
    b"d": Reader._mapping,
    b"n": lambda reader: Named(reader._named()),
    b"D": lambda reader: _table(reader),
    b"O": lambda reader: Other(reader._text(), reader._text()),
}


def _table(reader: Reader) -> Table:
    rows = reader._length()
    return Table(reader._named(), rows)


def decode(data: bytes) -> Any:
    """Read one value from bytes. Raises ValueError for bytes that aren't exactly one value."""
    reader = Reader(data)
    value = reader.value()
    if reader.position != len(data):
        raise ValueError("a message goes on after its value")
    return value
