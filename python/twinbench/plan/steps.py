"""The steps of a pipeline's file: ops with their parameters, checked against the contracts of the ops."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from twinbench import ops
from twinbench.data.dataset import Dataset
from twinbench.errors import BadInput, nearest
from twinbench.ops.contract import Kind, Op
from twinbench.plan.refusals import ROUNDED, first, rounded
from twinbench.usercode.op import OwnOp

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
"""Pattern of the name of a pipeline or a step, which becomes a part of the names of files."""
DATA = "data"
"""The name by which a step takes the dataset's value as an input."""
STEP_KEYS = {"id", "op", "input"}
"""Keys of a step that aren't parameters of its op."""


@dataclass(frozen=True, slots=True)
class Step:
    """One op with its parameters. ``inputs`` are the ids of earlier steps."""

    id: str
    op: Op
    params: Any
    inputs: tuple[str, ...]
    isolated: bool
    """Whether the step's output is checked on the reference's own inputs: if its op asks for that, or the op of an
    earlier step, whose differences, each inside a tolerance, would add to those of this step."""
    bound: bool
    """Whether the output stays in the framework that made it: a model, or a table that its neutral form doesn't wholly
    describe (`Op.keeps_framework`) or that was made of one."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON data, with every default spelled out; an own op has the hashes of its functions beside them."""
        plain = {"id": self.id, "op": self.op.name, "params": asdict(self.params), "inputs": list(self.inputs)}
        if isinstance(self.op, OwnOp):
            plain["code"] = {function.text: function.digest for function in self.op.code}
        return plain


def read(
    path: Path,
    raw: list[dict[str, Any]],
    dataset: Dataset | None,
    own_ops: Mapping[str, OwnOp],
    *,
    independent: bool,
) -> Iterator[Step]:
    """Read the steps of the pipeline in the file ``path``. Raises BadInput."""
    done: dict[str, Step] = {}
    outputs: dict[str, Kind] = {} if dataset is None or dataset.value_kind is None else {DATA: dataset.value_kind}
    previous: str | None = next(iter(outputs), None)
    for index, table in enumerate(raw):
        where = f"{path}: step[{index}]"
        op = _op(where, table, own_ops)
        step_id = table.get("id", op.name.partition(".")[2] or op.name)
        if not isinstance(step_id, str) or not NAME.fullmatch(step_id):
            raise BadInput(f"{where}.id: '{step_id}' is not a name (up to 100 of a-z, 0-9, - and _)")
        if step_id in done or step_id == DATA:
            raise BadInput(f"{where}.id: '{step_id}' is taken by an earlier step; give this one an id of its own")
        params = _params(where, op, {key: value for key, value in table.items() if key not in STEP_KEYS})
        _check_file(where, dataset, op, params)
        inputs = _inputs(where, op, table.get("input"), previous, outputs)
        if isinstance(op, OwnOp) and op.role == "score":
            _check_scored(where, done, inputs)
        isolated = op.isolated or any(done[name].isolated for name in inputs if name != DATA)
        bound = op.output in ("model", "saved") or op.keeps_framework
        bound |= op.output == "table" and any(done[name].bound for name in inputs if name != DATA)
        done[step_id] = Step(step_id, op, params, inputs, isolated, bound)
        outputs[step_id] = op.output
        previous = previous if independent else step_id
        yield done[step_id]
    _check_exports(path, done.values())


def _check_exports(path: Path, steps: Collection[Step]) -> None:
    """Check that what an own step exports is loaded, and scored: nothing else shows what the files hold."""
    for export in (step for step in steps if isinstance(step.op, OwnOp) and step.op.role == "export"):
        loaded = {step.id for step in steps if step.op.role == "load" and step.inputs == (export.id,)}
        if not any(step.op.role == "score" and step.inputs[0] in loaded for step in steps):
            what = 'saves a model that no later step loads and scores; add steps with role = "load" and role = "score"'
            raise BadInput(f"{path}: step '{export.id}': {what}, which show that the files hold the model")


def _check_file(where: str, dataset: Dataset | None, op: Op, params: Any) -> None:
    """Check that a step that reads a file names one of the dataset's files, by the parameter `Op.file_param`."""
    if "file" not in op.inputs:
        return
    if dataset is None:
        raise BadInput(f"{where}: {op.name} reads a file, but pipeline.dataset is not set")
    try:
        dataset.require_file(op.file_of(params))
    except BadInput as error:
        raise BadInput(f"{where}.{op.file_param}: {error}") from None


def _check_scored(where: str, done: Mapping[str, Step], inputs: tuple[str, ...]) -> None:
    """Check that what an own op scores comes from a split, whose classes the quality is computed with."""
    source = done.get(inputs[1])
    if source is None or source.op.role != "split":
        raise BadInput(f"{where}.input: '{inputs[1]}' is not a split; a model is scored on the output of a split")


def _op(where: str, table: dict[str, Any], own_ops: Mapping[str, OwnOp]) -> Op:
    name = table.get("op")
    if not isinstance(name, str):
        raise BadInput(f"{where}: no 'op'; a step names the op to run")
    try:
        return own_ops[name] if name in own_ops else ops.get(name)
    except KeyError:
        names = [*own_ops, *(op.name for op in ops.all_ops())]
        raise BadInput(f"{where}.op: unknown op '{name}'{nearest(name, names)}") from None


def _params(where: str, op: Op, values: dict[str, Any]) -> Any:
    valid = [field.name for field in fields(op.params)]
    nested = [field.name for inner in _nested(op.params) for field in fields(inner)]
    for key, value in values.items():
        if key not in valid:
            raise BadInput(f"{where}.{key}: {op.name} has no parameter '{key}'{nearest(key, valid)}")
        try:
            json.dumps(value, allow_nan=False)
        except TypeError:
            raise BadInput(
                f"{where}.{key}: a step takes numbers, texts and lists of them, and no dates or times"
            ) from None
        except ValueError:
            raise BadInput(f"{where}.{key}: a step takes finite numbers, and neither inf nor nan") from None
        except RecursionError:
            raise BadInput(f"{where}.{key}: nested too deeply") from None
    try:
        # Strict JSON: an array may become a tuple, but true is not a number, and neither is "3".
        params: Any = TypeAdapter(op.params).validate_json(json.dumps(values), strict=True)
    except (ArithmeticError, MemoryError) as error:
        raise BadInput(f"{where} ({op.name}): a number that is too large: {error}") from None
    except ValidationError as error:
        branches = [inner.__name__ for inner in _nested(op.params)]
        raise BadInput(f"{where} ({op.name}): {first(error, nested, branches)}") from None
    for key, value in values.items():
        at = rounded(value, getattr(params, key))
        if at is not None:
            raise BadInput(f"{where}.{key}{'.' * bool(at)}{at}: {ROUNDED}")
    return params


def _nested(params: type) -> list[type[Any]]:
    """List the data classes that a parameter may be; the field ``name`` tells which."""
    hints = get_type_hints(params).values()
    kinds = [inner for hint in hints for inner in (hint, *get_args(hint)) if isinstance(inner, type)]
    return [inner for inner in kinds if is_dataclass(inner)]


def _inputs(where: str, op: Op, given: Any, previous: str | None, done: Mapping[str, Kind]) -> tuple[str, ...]:
    kinds = [kind for kind in op.inputs if kind != "file"]
    if given is None:
        names = [previous] if previous is not None and len(kinds) == 1 else []
    else:
        names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput(f"{where}.input: an earlier step's id, or a list of them")
    for name in names:
        if name not in done:
            raise BadInput(f"{where}.input: no earlier step '{name}'{nearest(str(name), done)}")
    if len(names) != len(kinds):
        raise BadInput(f"{where}.input: {op.name} takes {len(kinds)} input(s), {len(names)} given")
    for name, kind in zip(names, kinds, strict=True):
        if done[name] != kind:
            raise BadInput(f"{where}.input: '{name}' gives {done[name]}, but {op.name} takes {kind}")
    return tuple(names)
