"""A function of the user's, as a pipeline's file names it, and its loading in Python.

The harness never loads a function: workers do.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twinbench.errors import nearest
from twinbench.usercode import sources

MOST_FRAMES = 5
"""Frames of the user's that are shown of an exception."""


class UserCodeError(Exception):
    """What is wrong with a function of the user's, in one line that names its file."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function in a file, with a hash of the file and of what that imports when the pipeline was read."""

    file: str
    """Absolute path of a file that ends in ``.py`` or ``.jl``."""
    name: str
    """Name of the function; for Julia there may be modules before it, as in ``Module.name``."""
    digest: str

    @property
    def language(self) -> Literal["python", "julia"]:
        """The language of the file."""
        return "julia" if self.file.endswith(".jl") else "python"

    @property
    def text(self) -> str:
        """The function as messages name it: ``file.py:name``."""
        return f"{Path(self.file).name}:{self.name}"

    def require_unchanged(self) -> None:
        """Raise UserCodeError if the code isn't what it was when the pipeline was read."""
        try:
            now = sources.digest(Path(self.file))
        except OSError as error:
            raise UserCodeError(f"{self.file}: can't be read: {error.strerror}") from None
        if now != self.digest:
            raise UserCodeError(f"{self.text}: the code was changed since the command began; start again")

    def load(self, inputs: int, params: Mapping[str, Any]) -> Callable[..., Any]:
        """Import the file, once in a process, and return the function, which takes this many inputs, and parameters.

        Raises UserCodeError.
        """
        import inspect

        from twinbench.usercode import loading

        self.require_unchanged()
        try:
            function = loading.load(self.file, self.name)
        except loading.NotLoaded as error:
            reason = str(error).replace(self.file, Path(self.file).name)
            raise UserCodeError(f"{reason}{nearest(self.name, error.names)}") from error.__context__
        try:
            inspect.signature(function).bind(*(None for _ in range(inputs)), **params)
        except TypeError as error:
            taken = [p.name for p in loading.parameters(function)][inputs:]
            hint = next((nearest(name, taken) for name in params if name not in taken), "")
            given = f"{inputs} input{'' if inputs == 1 else 's'}{''.join(f', {name}=' for name in params)}"
            raise UserCodeError(f"{self.text} can't be called with {given}: {error}{hint}") from None
        except ValueError:  # a function of another language, which doesn't say what it takes
            pass
        return function

    def described(self, error: BaseException) -> str:
        """Return an exception in one line: its type, its message, and the user's frames from the innermost outwards."""
        if isinstance(error, UserCodeError):
            return str(error)
        message, _, stack = str(error).partition("\nStacktrace:")
        message = " ".join(message.split())
        if (isinstance(error, ValueError) and "read-only" in message) or message.startswith("ReadOnlyMemoryError"):
            message += ": it changes its input; let it work on a copy"
        kind = "" if self.language == "julia" else f"{type(error).__name__}: "
        lines = self._frames_of_julia(stack) if self.language == "julia" else self._frames(error)
        shown = f"{kind}{message}" if message else type(error).__name__
        return f"{shown} ({', called at '.join(lines[:MOST_FRAMES])})" if lines else shown

    def _frames(self, error: BaseException) -> list[str]:
        directory = Path(self.file).parent
        frames = [
            f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
            for frame in reversed(traceback.extract_tb(error.__traceback__))
            if directory in Path(frame.filename).parents and "site-packages" not in Path(frame.filename).parts
        ]
        return list(dict.fromkeys(frames))

    def _frames_of_julia(self, stack: str) -> list[str]:
        """Return the frames in files of the user's from the text of a Julia stack."""
        names = {path.name for path in sources.files(Path(self.file))}
        words = [word.rstrip(",") for word in stack.split()]
        frames = [Path(file).name for file in words if Path(file.rpartition(":")[0]).name in names]
        return list(dict.fromkeys(frames))
