"""Select the cell that the command line names, and check that its model may be used."""

from __future__ import annotations

import shlex

from twinbench.errors import BadInput, TwinbenchError, nearest
from twinbench.frameworks import registry
from twinbench.results.models.kept import Model, of_cell
from twinbench.results.summary.run import summarise
from twinbench.store.records import MODEL, Cell, Status
from twinbench.store.store import Store


class NotUsable(TwinbenchError):
    """The stack has no model that may be used."""


def cell_of(store: Store, run_id: str, stack: str, pipeline: str | None, size: str | None) -> Cell:
    """Return the one cell of a stack in a run. Raises BadInput when no cell matches, or several do."""
    cells = store.cells(run_id)
    candidates = [cell for cell in cells if cell.stack.lower() == stack.lower()]
    if not candidates:
        raise BadInput(f"--stack: run {run_id} has no stack '{stack}'{nearest(stack, {c.stack for c in cells})}")
    name = candidates[0].stack
    for field, asked in (("pipeline", pipeline), ("size", size)):
        values = list(dict.fromkeys(str(getattr(cell, field)) for cell in candidates))
        if asked is not None and asked not in values:
            raise BadInput(f"--{field}: {name} has no '{asked}' in run {run_id}{nearest(asked, values)}")
        if asked is None and len(values) > 1:
            raise BadInput(f"run {run_id} has {name} several times; choose with --{field}: {', '.join(values)}")
        candidates = [cell for cell in candidates if asked in (None, getattr(cell, field))]
    return candidates[0]


def usable(store: Store, cell: Cell, action: str) -> Model:
    """Return the model of a cell.

    Raises NotUsable, "is not ``action``", unless the cell is done, agrees and has one.
    """
    if cell.status == Status.DISAGREES:
        raise NotUsable(f"{cell.stack} is not {action}: it disagrees with the reference: {cell.reason}")
    if cell.status != Status.DONE:
        raise NotUsable(f"{cell.stack} is not {action}: it is {cell.status}{': ' * bool(cell.reason)}{cell.reason}")
    model = of_cell(store, cell)
    if model is not None:
        _require_installed(model, f"{cell.stack} is not {action}")
    if model is None:
        raise NotUsable(f"{cell.stack} is not {action}: {cell.pipeline} stored no trained model of this stack")
    if model.own:
        write = f"twinbench export {cell.run_id} --model {shlex.quote(cell.stack)} -o DIR"
        what = f"only your {model.own} can load its files, and twinbench runs no code for a stored model"
        raise NotUsable(f"{cell.stack} is not {action}: {what}; write them with `{write}` and load them yourself")
    for name in store.files(cell.id):
        if name.startswith(f"{MODEL}/"):
            store.file(cell.id, name)  # raises StoreError if the file has changed
    return model


def model_of(store: Store, run_id: str, stack: str, pipeline: str | None, size: str | None) -> Model:
    """Return the model that a stack of a run stored, whatever can load its files. Raises BadInput and NotUsable."""
    cell = cell_of(store, run_id, stack, pipeline, size)
    model = of_cell(store, cell)
    if model is None:
        raise NotUsable(f"{cell.stack} is not written: {cell.pipeline} stored no trained model of this stack")
    return model


def _require_installed(model: Model, refusal: str) -> None:
    try:
        registry.get(model.framework)
    except KeyError:
        raise NotUsable(f"{refusal}: the framework {model.framework!r} isn't installed here") from None


def unchecked(store: Store, cell: Cell) -> list[str]:
    """Return the sentence that a cell's files aren't checked; none where their SHA-256 is in the store."""
    sentence = "its files are not checked: an earlier twinbench, which made the run, stored no SHA-256 of them"
    return [sentence] if store.unchecked(cell.id) else []


def doubts(store: Store, cell: Cell) -> list[str]:
    """Return the sentences on the quality of a cell's model that whoever uses the model must know."""
    summaries = (own for pipeline in summarise(store, cell.run_id).pipelines for own in pipeline.cells)
    return [sentence for own in summaries if own.cell_id == cell.id for sentence in own.doubts.values()]
