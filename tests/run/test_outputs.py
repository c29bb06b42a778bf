"""A check that can't be done is the failure of its cell, and never the end of the run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from twinbench.errors import BadInput
from twinbench.launch.process import WorkerFailure
from twinbench.run.outputs import costs_its_cell_only

STEP: Any = SimpleNamespace(id="mlp")


def check_without_losses() -> None:
    with costs_its_cell_only(STEP):
        _ = {}["losses"]


def test_an_exception_of_a_check_names_the_step_and_keeps_its_traceback():
    with pytest.raises(WorkerFailure, match=r"^mlp: the output can't be checked: KeyError: 'losses'") as raised:
        check_without_losses()
    assert raised.value.kind == "wrong answer"
    assert "test_outputs.py" in raised.value.output


@pytest.mark.parametrize("error", [BadInput("a file"), OSError("a disk"), WorkerFailure("exit", "7")])
def test_what_has_a_meaning_of_its_own_is_passed_on(error):
    with pytest.raises(type(error)) as raised, costs_its_cell_only(STEP):
        raise error
    assert raised.value is error


def test_an_output_for_which_there_is_no_memory_costs_its_cell():
    with pytest.raises(WorkerFailure, match="mlp: the output is too large") as raised, costs_its_cell_only(STEP):
        raise MemoryError
    assert raised.value.kind == "memory"
