"""Which cell is meant on the command line, and whether its model should be used at all."""

from __future__ import annotations

from twinbench.errors import BadInput, TwinbenchError, nearest
from twinbench.results.models.kept import Model, of_cell
from twinbench.store.records import Cell, Status
from twinbench.store.store import Store


class NotUsable(TwinbenchError):
    """The stack has nothing that should be used."""


def cell_of(store: Store, run_id: str, stack: str, pipeline: str | None, size: str | None) -> Cell:
    """The cell of a stack. Raises BadInput when there is none, or more than one."""
    cells = store.cells(run_id)
    found = [cell for cell in cells if cell.stack.lower() == stack.lower()]
    if not found:
        raise BadInput(f"--stack: run {run_id} has no stack '{stack}'{nearest(stack, {c.stack for c in cells})}")
    for option, asked, of in (("--pipeline", pipeline, _pipeline), ("--size", size, _size)):
        known = list(dict.fromkeys(of(cell) for cell in found))
        if asked is not None and asked not in known:
            raise BadInput(f"{option}: {found[0].stack} has no '{asked}' in run {run_id}{nearest(asked, known)}")
        if asked is None and len(known) > 1:
            raise BadInput(f"run {run_id} has {found[0].stack} several times; choose with {option}: {', '.join(known)}")
        found = [cell for cell in found if asked in (None, of(cell))]
    return found[0]


def _pipeline(cell: Cell) -> str:
    return cell.pipeline


def _size(cell: Cell) -> str:
    return cell.size


def usable(store: Store, cell: Cell, what: str) -> Model:
    """The model of a cell. Raises NotUsable, "is not ``what``", unless it is done, agrees and left one."""
    if cell.status == Status.DISAGREES:
        raise NotUsable(f"{cell.stack} is not {what}: it disagrees with the reference: {cell.reason}")
    if cell.status != Status.DONE:
        raise NotUsable(f"{cell.stack} is not {what}: it is {cell.status}{': ' * bool(cell.reason)}{cell.reason}")
    model = of_cell(store, cell)
    if model is None:
        raise NotUsable(f"{cell.stack} is not {what}: {cell.pipeline} left no trained model of it in the run")
    return model
