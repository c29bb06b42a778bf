"""What a function of the user's is at this moment: the files that it was loaded from, and the versions beside them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from twinbench.pair.target import Target


@dataclass(frozen=True, slots=True)
class Code:
    """The user's file with what it imported from its own directory, and the libraries."""

    function: str
    """Name of the function in its file."""
    files: Mapping[str, str]
    """SHA-256 by path, which is relative to the directory of the user's file."""
    versions: Mapping[str, str]
    """Versions by package, the language's among them."""

    @classmethod
    def of(cls, target: Target, answer: Mapping[str, Any]) -> Self:
        """Read the files that a process named. A file that is gone has no checksum.

        A function that was sent as code counts by that code, under its name.
        """
        directory = answer["directory"]
        paths = {os.path.relpath(path, directory): Path(path) for path in answer["files"]}
        files = {name: _sha256(path) for name, path in paths.items()}
        if target.code is not None:
            code = target.code.encode() if isinstance(target.code, str) else target.code
            files[target.name] = hashlib.sha256(code).hexdigest()
        return cls(target.function, files, dict(answer["versions"]))

    @property
    def fingerprint(self) -> str:
        """The hash of all of it: times of other fingerprints are those of other code."""
        text = json.dumps([self.function, self.files, self.versions], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
