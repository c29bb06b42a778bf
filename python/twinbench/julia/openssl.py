"""Two OpenSSLs in one process: Python's, and the one that Julia 1.12 and newer bring along, which must not be newer."""

from __future__ import annotations

import shutil

from twinbench.julia.project import Version, version_of

LIBRARY = "OpenSSL_jll"
"""The Julia package of the library. What loads it finds Python's libcrypto in the process already."""

NEEDED_BY_NEW_JULIA = (3, 5)
"""The OpenSSL of Julia 1.12."""

NEWEST_WITH_OLDER = (1, 11)
"""The newest Julia (major, minor) whose packages can live with an older OpenSSL. juliapkg has the same rule."""


def of_python() -> tuple[int, int]:
    """Python's OpenSSL, (major, minor)."""
    import ssl

    return ssl.OPENSSL_VERSION_INFO[0], ssl.OPENSSL_VERSION_INFO[1]


def limit(openssl: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """The newest Julia, (major, minor), that goes with an OpenSSL, by default Python's; None if any does."""
    return NEWEST_WITH_OLDER if (openssl or of_python()) < NEEDED_BY_NEW_JULIA else None


def clashes(julia: Version | None) -> bool:
    """Whether a Julia is too new for Python's OpenSSL. An unknown version is taken for one that isn't."""
    newest = limit()
    return julia is not None and newest is not None and julia[:2] > newest


def advice(julia: Version | None) -> str:
    """Why the two don't go together, and what to do."""
    ours, needed, newest = (_dotted(pair) for pair in (of_python(), NEEDED_BY_NEW_JULIA, NEWEST_WITH_OLDER))
    has = f"Julia {_dotted(julia)}" if julia else "this Julia"
    return (
        f"{has} brings OpenSSL {needed} and Python has {ours}; "
        f"use Julia {newest} or older, or a Python with OpenSSL {needed}"
    )


def passed_over() -> str | None:
    """That juliapkg won't take the Julia on the PATH, with the reason; None if it would, or if there is none."""
    exe, newest = shutil.which("julia"), limit()
    version = version_of(exe) if exe else None
    if newest is None or version is None or not clashes(version):
        return None
    return (
        f"Python's OpenSSL is {_dotted(of_python())}: juliapkg allows Julia up to {_dotted(newest)}, "
        f"and the julia {_dotted(version)} on PATH is passed over"
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
