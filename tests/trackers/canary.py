"""A secret for every input, and the search for it in every output."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

CANARY = "c4n4ry+in/the%mine"
SPELLINGS = [
    *(CANARY, quote(CANARY, safe=""), quote(CANARY, safe="").lower(), repr(CANARY)[1:-1]),
    *(base64.b64encode(f"{user}:{CANARY}".encode()).decode() for user in ("someone", "me")),
]
ADDRESS = f"someone:{quote(CANARY, safe='')}@"

SECRETS = {
    "COMET_API_KEY": CANARY,
    "AWS_SECRET_ACCESS_KEY": CANARY,
    "MLFLOW_TRACKING_TOKEN": CANARY,
    "PIP_INDEX_URL": f"https://{ADDRESS}127.0.0.1:1/simple",
    "TWINBENCH_SOME_TOKEN": CANARY,  # which workers inherit
    "JULIA_PKG_SERVER": f"https://{ADDRESS}127.0.0.1:1",
}
"""Variables that hold the canary, beside the tracking URI."""


def songs(*texts: str) -> list[str]:
    """Where the canary sings: the text around each of its spellings."""
    return [text[max(0, text.find(spelled) - 60) :][:200] for text in texts for spelled in SPELLINGS if spelled in text]


def files(directory: Path) -> Iterator[str]:
    for path in directory.rglob("*"):
        if path.is_file():
            yield f"{path}: {path.read_bytes().decode('utf-8', 'replace')}"
