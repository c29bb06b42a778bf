"""A bus error of the harness, said in one line: a file that is memory-mapped became shorter, or can't be read.

The system sends SIGBUS where a page of such a file isn't there. A handler of Python's would wait for the end of the
instruction, which never comes, so the handler is one of C's, and it ends the process.
"""

from __future__ import annotations

import ctypes
import functools
import os
import signal

LINE = (
    b"twinbench: error: a file of the cache or of a worker became shorter, or could not be read, while it was in use "
    b"(SIGBUS); look at the disk, and go on with twinbench run --resume\n"
)

EXIT_CODE = 1


@functools.cache
def announce() -> None:
    """Have a bus error of this process end it with a line on stderr and exit code 1, from now on."""
    ctypes.CDLL(None).signal(int(signal.SIGBUS), _handler)


@ctypes.CFUNCTYPE(None, ctypes.c_int)  # type: ignore[untyped-decorator]
def _handler(number: int) -> None:
    os.write(2, LINE)
    os._exit(EXIT_CODE)
