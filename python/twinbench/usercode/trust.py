"""Directories whose code the user trusts: a record in the user's configuration, with the SHA-256 of every file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from twinbench import paths
from twinbench.errors import BadInput
from twinbench.usercode import sources

Checksums = dict[str, str]
"""SHA-256 by the path of a file from its directory."""


def record() -> Path:
    """Return the file that holds what is trusted."""
    return paths.config_dir() / "trusted.json"


def directories() -> dict[str, Checksums]:
    """Return what is trusted, by directory; empty before anything is. Raises BadInput for a damaged record."""
    try:
        content = json.loads(record().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not all(map(_is_checksums, content.values())):
        raise BadInput(f"{record()}: not a record of trusted directories; delete it, and trust them again")
    return content


def _is_checksums(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(checksum, str) for checksum in value.values())


def add(directory: Path, files: Iterable[Path]) -> Checksums:
    """Trust files of a directory as they are now, and no other files of it. Returns their checksums."""
    root = directory.resolve()
    inside = (file.resolve() for file in files if root in file.resolve().parents)
    checksums = {str(file.relative_to(root)): sources.checksum(file) for file in sorted(set(inside))}
    _write(directories() | {str(root): checksums})
    return checksums


def remove(directory: Path) -> bool:
    """Trust a directory no longer. Returns whether it was trusted."""
    trusted = directories()
    before = trusted.pop(str(directory.resolve()), None)
    if before is not None:
        _write(trusted)
    return before is not None


def _write(trusted: dict[str, Checksums]) -> None:
    paths.make_private(record().parent)
    unfinished = record().with_suffix(f".{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(trusted, indent=1), encoding="utf-8")
    unfinished.replace(record())


def doubt(files: Iterable[Path]) -> str:
    """Say which of the files isn't trusted, and why; empty if all are in a trusted directory and unchanged."""
    trusted = directories()
    for file in files:
        reasons = [_doubt(file.resolve(), Path(root), checksums) for root, checksums in trusted.items()]
        if "" not in reasons:
            changed = [reason for reason in reasons if reason is not None]
            return changed[0] if changed else f"{file} is in no trusted directory"
    return ""


def _doubt(file: Path, root: Path, checksums: Checksums) -> str | None:
    """Say why a file of a trusted directory isn't trusted; empty if it is, None for a file of another directory."""
    if root not in file.parents:
        return None
    trusted = checksums.get(str(file.relative_to(root)))
    if trusted is None:
        return f"{file} is new since {root} was trusted"
    return "" if trusted == sources.checksum(file) else f"{file} was changed since {root} was trusted"
