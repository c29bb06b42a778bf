"""``[op.NAME]`` of a pipeline's file: ops whose functions are in the user's own files. None is imported here.

What can be said of a file without executing it is said when the pipeline is read: that the file is missing, or that its
top level binds no such name.
"""

from __future__ import annotations

import json
import keyword
import os
import re
from collections.abc import Mapping
from dataclasses import field, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from twinbench.errors import BadInput, nearest
from twinbench.frameworks import registry
from twinbench.ops.contract import Kind, Role, Tolerance
from twinbench.plan.own import Line
from twinbench.plan.steps import NAME, STEP_KEYS
from twinbench.usercode import sources
from twinbench.usercode.function import Function
from twinbench.usercode.op import DIRECTORY, FILE_PARAM, JULIA, PYTHON, OwnOp, Reference

TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "list[int]": tuple[int, ...],
    "list[float]": tuple[float, ...],
    "list[str]": tuple[str, ...],
    "list[bool]": tuple[bool, ...],
}
"""Types of parameters by their names in a pipeline's file."""

FORM = re.compile(r"(?P<file>[^:]+\.(?:py|jl)):(?P<name>[^\W\d][\w!]*(?:\.[^\W\d][\w!]*)*)")
"""Pattern of a function in a pipeline's file."""

EXAMPLES = {"python": "features.py:roughness", "julia": "features.jl:roughness"}
"""Functions as they are written, by language."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Parameter(_Strict):
    """A parameter of an own op. One without a default must be given by each step."""

    type: Literal["int", "float", "str", "bool", "list[int]", "list[float]", "list[str]", "list[bool]"]
    default: Any = None
    min: int | float | None = None
    max: int | float | None = None
    choices: Annotated[list[Any], Field(min_length=1)] | None = None

    def problem(self, value: Any) -> str:
        """Say why a value of the right type isn't allowed; empty if it is. Of a list each item must be."""
        for item in value if isinstance(value, list | tuple) else (value,):
            if self.min is not None and item < self.min:
                return f"{item} is less than {self.min}"
            if self.max is not None and item > self.max:
                return f"{item} is more than {self.max}"
            if self.choices is not None and not any(item == c and type(item) is type(c) for c in self.choices):
                hint = nearest(item, (c for c in self.choices if isinstance(c, str))) if isinstance(item, str) else ""
                return f"{item!r} is not one of {', '.join(map(repr, self.choices))}{hint if 'mean' in hint else ''}"
        return ""


class Declared(_Strict):
    """The table ``[op.NAME]`` of a pipeline's file."""

    inputs: list[Literal["file", "table", "arrays", "images", "model", "saved"]]
    output: Literal["table", "arrays", "images", "model", "saved"]
    python: Line | None = None
    julia: Line | None = None
    reference: Line | None = None
    frameworks: dict[str, Line] = {}
    role: Literal["split", "train", "score", "export", "load"] | None = None
    rtol: Annotated[float, Field(ge=0, lt=1)] = 1e-9
    atol: Annotated[float, Field(ge=0)] = 1e-12
    summary: Line = "an op of the pipeline's own"
    params: dict[str, Parameter] = {}


def read(path: Path, declared: Mapping[str, Declared]) -> dict[str, OwnOp]:
    """Read the ops that the pipeline in the file ``path`` declares, by name. Raises BadInput."""
    return {name: _op(path, f"{path}: op.{name}", name, table) for name, table in declared.items()}


def _op(path: Path, where: str, name: str, table: Declared) -> OwnOp:
    if not NAME.fullmatch(name):
        raise BadInput(f"{where}: not a name of an op of your own (up to 100 of a-z, 0-9, - and _)")
    if table.reference is None and table.python is None:
        raise BadInput(f'{where}: names no reference; give python = "{EXAMPLES["python"]}", or reference')
    _check_role(where, table)
    named = {PYTHON: (table.python, "python"), JULIA: (table.julia, "julia")}
    functions = {
        framework: _function(path, f"{where}.{language}", target, language)
        for framework, (target, language) in named.items()
        if target is not None
    }
    frameworks = registry.frameworks()
    for framework, target in table.frameworks.items():
        if framework not in frameworks:
            raise BadInput(f"{where}.frameworks: unknown framework '{framework}'{nearest(framework, frameworks)}")
        key = f"{where}.frameworks.{framework}"
        functions[framework] = _function(path, key, target, frameworks[framework].language)
    reference = (
        functions[PYTHON]
        if table.reference is None
        else _function(path, f"{where}.reference", table.reference, "python")
    )
    inputs: tuple[Kind, ...] = tuple(table.inputs)
    return OwnOp(
        name=name,
        params=_params(where, name, table),
        inputs=inputs,
        output=table.output,
        summary=table.summary,
        semantics=f"What {reference.text} computes.",
        source=path.name,
        reference=Reference(reference, table.output, table.role or ""),
        role=table.role or "",
        tolerance=Tolerance(rtol=table.rtol, atol=table.atol),
        file_param=FILE_PARAM,
        functions=functions,
    )


INPUTS_OF_ROLE: dict[Role, tuple[str, tuple[tuple[Kind, ...], ...], Kind]] = {
    "split": ("a table, arrays or images", (("table",), ("arrays",), ("images",)), "arrays"),
    "train": ("arrays, those of a split", (("arrays",),), "model"),
    "score": ("a model and arrays, those of a split", (("model", "arrays"),), "arrays"),
    "export": ("a model", (("model",),), "saved"),
    "load": ('"saved", what an op with role = "export" gives', (("saved",),), "model"),
}
"""Inputs of an op by its role, in words and as the kinds that are allowed, and the kind of its output."""


def _check_role(where: str, table: Declared) -> None:
    if len([kind for kind in table.inputs if kind == "file"]) > 1 or "file" in table.inputs[1:]:
        raise BadInput(f"{where}.inputs: one file at most, before the other inputs")
    if table.role is None:
        if table.output == "model":
            raise BadInput(f'{where}.output: a model is the output of an op with role = "train" or "load"')
        if table.output == "saved" or "saved" in table.inputs:
            raise BadInput(f'{where}: "saved" is what role = "export" gives and role = "load" takes; name the role')
        return
    words, inputs, output = INPUTS_OF_ROLE[table.role]
    if tuple(table.inputs) not in inputs:
        raise BadInput(f'{where}.inputs: an op with role = "{table.role}" takes {words}')
    if table.output != output:
        raise BadInput(f'{where}.output: an op with role = "{table.role}" gives "{output}"')


def _function(path: Path, where: str, target: str, language: str) -> Function:
    """Return a function that a pipeline's file names. Raises BadInput for a file or a function that isn't there."""
    match = FORM.fullmatch(target)
    if match is None:
        raise BadInput(f"{where}: '{target}' doesn't name a function; write \"{EXAMPLES[language]}\"")
    if match["file"].endswith(".jl") != (language == "julia"):
        raise BadInput(f"{where}: '{target}' is not in {language.title()}; write \"{EXAMPLES[language]}\"")
    file = Path(os.path.normpath(path.absolute().parent / match["file"]))
    if not file.is_file():
        others = [f.name for f in file.parent.glob(f"*{file.suffix}")] if file.parent.is_dir() else []
        raise BadInput(f"{where}: {file} doesn't exist{nearest(file.name, others)}")
    try:
        bound = sources.names(file) if language == "python" else None
        digest = sources.digest(file)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise BadInput(f"{where}: {file}{line}: not Python: {reason}") from None
    except OSError as error:
        raise BadInput(f"{where}: {error.filename or file}: can't be read: {error.strerror}") from None
    first = match["name"].partition(".")[0]
    if bound is not None and first not in bound:
        raise BadInput(f"{where}: {file} has no function '{first}'{nearest(first, set(bound))}")
    return Function(str(file), match["name"], digest)


def _params(where: str, name: str, table: Declared) -> type[Any]:
    """Make the data class of an op's parameters, which refuses what the file doesn't allow. Raises BadInput."""
    if FILE_PARAM in table.params:
        raise BadInput(f"{where}.params.{FILE_PARAM}: the name of the file that an op reads; call this one differently")
    if table.role == "export" and DIRECTORY in table.params:
        raise BadInput(f"{where}.params.{DIRECTORY}: the name of the directory that an export writes into")
    members: list[tuple[str, Any, Any]] = [(FILE_PARAM, str, field())] if "file" in table.inputs else []
    for key, parameter in table.params.items():
        at = f"{where}.params.{key}"
        if not key.isidentifier() or keyword.iskeyword(key) or key in STEP_KEYS or key.startswith("_"):
            raise BadInput(f"{at}: not a name of a parameter; take a word of letters, digits and _ that isn't reserved")
        _check_limits(at, parameter)
        default = field() if parameter.default is None else field(default=_default(at, parameter))
        members.append((key, TYPES[parameter.type], default))

    def check(self: Any) -> None:
        for key, parameter in table.params.items():
            if problem := parameter.problem(getattr(self, key)):
                raise ValueError(f"{key}: {problem}")

    return make_dataclass(
        name.replace("-", "_"), members, frozen=True, kw_only=True, namespace={"__post_init__": check}
    )


def _check_limits(where: str, parameter: Parameter) -> None:
    numeric = parameter.type.removeprefix("list[").removesuffix("]") in ("int", "float")
    for key in ("min", "max"):
        if getattr(parameter, key) is not None and not numeric:
            raise BadInput(f"{where}.{key}: only numbers have one; use choices")
    for choice in parameter.choices or ():
        kind = parameter.type.removeprefix("list[").removesuffix("]")
        if type(choice) is not TYPES[kind]:
            raise BadInput(f"{where}.choices: {choice!r} is not of type {kind}")


def _default(where: str, parameter: Parameter) -> Any:
    try:
        value = TypeAdapter(TYPES[parameter.type]).validate_json(json.dumps(parameter.default), strict=True)
    except (ValidationError, TypeError, ValueError):
        raise BadInput(f"{where}.default: {parameter.default!r} is not of type {parameter.type}") from None
    if problem := parameter.problem(value):
        raise BadInput(f"{where}.default: {problem}")
    return value
