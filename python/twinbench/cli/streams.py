"""Standard output and standard error, guarded: no text of others that a command prints acts on the terminal.

Control characters in names and messages are escaped, and characters that the terminal's encoding lacks are replaced.
"""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterable
from typing import IO, Any, cast

from twinbench.foreign import redacted, visible

SUBSTITUTES = {"\N{PLUS-MINUS SIGN}": "~", "\N{HORIZONTAL ELLIPSIS}": "."}
"""Characters of ours that an encoding may lack, each with a substitute of the same width, so that columns stay."""

ERRORS = "twinbench.substitute"
"""Name of the handler of characters that an encoding lacks."""


def guard_streams() -> None:
    """Guard standard output and standard error."""
    codecs.register_error(ERRORS, _substitute)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)
    sys.stdout = cast("IO[str]", GuardedStream(sys.stdout))
    sys.stderr = cast("IO[str]", GuardedStream(sys.stderr, hides_secrets=True))


class GuardedStream:
    """A stream whose texts are made visible; what isn't about writing is the stream's own."""

    def __init__(self, stream: IO[str], *, hides_secrets: bool = False) -> None:
        """``hides_secrets``: for messages. Documents are printed as they are, for programs read them."""
        self.stream = stream
        self._hides_secrets = hides_secrets

    def write(self, text: str) -> int:
        """Write a text with its control characters escaped."""
        return self.stream.write(visible(redacted(text) if self._hides_secrets else text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of the texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the stream."""
        return getattr(self.stream, name)


def unguarded(stream: IO[str]) -> IO[str]:
    """Return the stream that is guarded, for a writer that escapes texts itself and adds colours of its own."""
    return stream.stream if isinstance(stream, GuardedStream) else stream


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Replace the characters that an encoding lacks by a substitute, or by their escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    escaped = (c.encode("unicode_escape").decode("ascii") for c in lacking)
    return "".join(SUBSTITUTES.get(c, escape) for c, escape in zip(lacking, escaped, strict=True)), error.end
