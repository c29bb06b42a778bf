"""The check that what a command printed with ``--json`` is what its published schema says."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from twinbench.cli import schemas


def strict(schema: Any) -> Any:
    """The same schema, which refuses keys that it doesn't name."""
    if isinstance(schema, dict):
        closed = {"additionalProperties": False} if "properties" in schema else {}
        return closed | {key: strict(value) for key, value in schema.items()}
    return [strict(item) for item in schema] if isinstance(schema, list) else schema


def check(command: str, printed: str) -> None:
    """Raises ValidationError, for keys that the schema doesn't name too."""
    Draft202012Validator(strict(schemas.schema(command))).validate(json.loads(printed))
