"""The JSON schema of a pipeline's file, by which editors complete and check it.

It says what can be said of a key by itself; that steps fit together is checked when the pipeline is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from twinbench import ops
from twinbench.data.registry import DATASETS
from twinbench.ops.contract import Op
from twinbench.plan.pipeline import File
from twinbench.plan.steps import NAME


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12), with the ops of plug-ins that are installed here."""
    made = File.model_json_schema()
    every = ops.all_ops()
    params, shared = TypeAdapter.json_schemas([(op.name, "validation", TypeAdapter(op.params)) for op in every])
    definitions = made["$defs"] | shared["$defs"]
    branches = [_step(op, _resolved(params[op.name, "validation"], definitions)) for op in every]
    made["properties"]["step"]["items"] = {"oneOf": [*branches, _own_step([op.name for op in every])]}
    header = definitions["_Header"]["properties"]
    header["dataset"] = {"description": "A dataset of twinbench's.", "enum": sorted(DATASETS)}
    return made | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A pipeline of twinbench",
        "$defs": definitions,
    }


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference: str | None = schema.get("$ref")
    return schema if reference is None else definitions[reference.rpartition("/")[2]]


def _step(op: Op, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a step with this op, whose parameters are keys of the step."""
    return {
        "title": op.name,
        "description": op.summary,
        "type": "object",
        "properties": {"op": {"const": op.name}, **_COMMON, **params.get("properties", {})},
        "required": ["op", *params.get("required", [])],
        "additionalProperties": False,
    }


def _own_step(names: list[str]) -> dict[str, Any]:
    """Return the schema of a step whose op the file declares itself, with any parameters."""
    return {
        "title": "an op of the pipeline's own",
        "type": "object",
        "properties": {"op": {"type": "string", "pattern": f"^{NAME.pattern}$", "not": {"enum": names}}, **_COMMON},
        "required": ["op"],
    }


_COMMON: Mapping[str, Any] = {
    "id": {"description": "Name of the step.", "type": "string", "pattern": f"^{NAME.pattern}$"},
    "input": {
        "description": "Ids of the earlier steps whose outputs the step takes; without it, the step before.",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    },
}
"""Schemas of the keys that every step may have, beside its op."""
