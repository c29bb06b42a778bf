"""OpenSSL in one process with Python and Julia: Julia 1.12 and newer bring their own, which may not be newer."""

from __future__ import annotations

import shutil

from twinbench.julia.project import Version, version_of

LIBRARY = "OpenSSL_jll"
"""The Julia package of OpenSSL. A package that loads OpenSSL gets Python's libcrypto, which is loaded already."""

NEEDED_BY_NEW_JULIA = (3, 5)
"""The OpenSSL of Julia 1.12, (major, minor)."""

NEWEST_WITH_OLDER = (1, 11)
"""The newest Julia, (major, minor), whose packages work with an older OpenSSL. juliapkg has the same rule."""


def of_python() -> tuple[int, int]:
    """Return the version of Python's OpenSSL, (major, minor)."""
    import ssl

    return ssl.OPENSSL_VERSION_INFO[0], ssl.OPENSSL_VERSION_INFO[1]


def limit(openssl: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Return the newest Julia, (major, minor), that works with an OpenSSL, by default Python's; None if any does."""
    return NEWEST_WITH_OLDER if (openssl or of_python()) < NEEDED_BY_NEW_JULIA else None


def clashes(julia: Version | None) -> bool:
    """Tell whether a Julia is too new for Python's OpenSSL; False for an unknown version."""
    newest = limit()
    return julia is not None and newest is not None and julia[:2] > newest


def advice(julia: Version | None) -> str:
    """Say why a Julia doesn't work with Python's OpenSSL, and what to do."""
    ours, needed, newest = (_dotted(pair) for pair in (of_python(), NEEDED_BY_NEW_JULIA, NEWEST_WITH_OLDER))
    has = f"Julia {_dotted(julia)}" if julia else "this Julia"
    return (
        f"{has} brings OpenSSL {needed} and Python has {ours}; "
        f"use Julia {newest} or older, or a Python with OpenSSL {needed}"
    )


def passed_over() -> str | None:
    """Say why juliapkg won't use the Julia on the PATH; None if it would, or if the PATH has no Julia."""
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
