"""The kit as pytest items: one for each op and check, ``conformance::tables.sort::agrees``."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import settings

from twinbench import ops
from twinbench.conformance import search
from twinbench.conformance.case import NoCases
from twinbench.conformance.checks import Broken, checks_of
from twinbench.conformance.declared import DECLARATIONS
from twinbench.conformance.spec import resolve
from twinbench.errors import TwinbenchError, nearest
from twinbench.frameworks.api import Framework
from twinbench.julia.find import find
from twinbench.julia.start import environment
from twinbench.launch.variables import THREAD_VARIABLES
from twinbench.plan.stack import deviation, unavailable

ROOT = "conformance"
WHOLE = "framework"
"""Where the name of an op stands in the checks of a framework as a whole."""


class Check(pytest.Item):
    """One check of one op."""

    def __init__(
        self, *, subject: str, check: str, framework: Framework, call: Callable[[], None], **rest: Any
    ) -> None:
        super().__init__(**rest)
        self.subject = subject
        self.check = check
        self._framework = framework
        self._call = call

    def runtest(self) -> None:
        """Load the framework once, and run the check."""
        if self.subject != WHOLE:
            load(self._framework)
        try:
            self._call()
        except NoCases as error:
            pytest.skip(str(error))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Show what was broken and on which case; a traceback only for what isn't the framework's fault."""
        if isinstance(excinfo.value, (Broken, search.Failure, TwinbenchError)):
            return str(excinfo.value)
        return "".join(traceback.format_exception(excinfo.value))

    def reportinfo(self) -> tuple[Path, int, str]:
        """The title of the item in pytest's report."""
        return self.path, 0, f"{self.nodeid} of {self._framework.name}"


def collect(session: pytest.Session, spec: str) -> None:
    """Give the session the items of the frameworks that ``spec`` names, filtered by the arguments of the command."""
    config = session.config
    try:
        items = list(_items(session, spec))
        for mark in ("skip", "xfail"):
            file = config.getoption(f"--twinbench-{mark}s")
            if file is not None:
                _mark(items, Path(file), mark)
    except TwinbenchError as error:
        raise pytest.UsageError(str(error)) from error
    wanted = [str(argument) for argument in config.option.file_or_dir]
    for argument in wanted:
        if not any(_inside(item.nodeid, argument) for item in items):
            raise pytest.UsageError(
                f"{argument}: names no check; those of {ROOT}::OP::CHECK can be named beside the option"
            )
    session.items = [item for item in items if not wanted or any(_inside(item.nodeid, a) for a in wanted)]
    report = pytest.CollectReport(nodeid=ROOT, outcome="passed", longrepr=None, result=list(session.items))
    config.hook.pytest_collectreport(report=report)
    config.hook.pytest_collection_modifyitems(session=session, config=config, items=session.items)
    config.hook.pytest_collection_finish(session=session)
    session.testscollected = len(session.items)


def _inside(nodeid: str, argument: str) -> bool:
    return nodeid == argument or nodeid.startswith((f"{argument}::", f"{argument}["))


def _items(session: pytest.Session, spec: str) -> Iterator[Check]:
    frameworks = resolve(spec)
    options = search.reproducible(session.config.getoption("--twinbench-examples"))
    for position, framework in enumerate(frameworks):
        ending = f"[{framework.name}]" if len(frameworks) > 1 else ""
        for subject, check, call in _calls(framework, spec, position, options):
            yield Check.from_parent(
                session,
                name=f"{subject}::{check}{ending}",
                nodeid=f"{ROOT}::{subject}::{check}{ending}",
                subject=subject,
                check=check,
                framework=framework,
                call=call,
            )


def _calls(
    framework: Framework, spec: str, position: int, options: settings
) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """Every check of a framework: its subject, its name, and what to call."""
    for check, declared in DECLARATIONS.items():
        yield WHOLE, check, partial(declared, framework, spec, position)
    known = {op.name: op for op in ops.ours()}
    for op in (known[name] for name in framework.ops if name in known):  # names_ops reports the others
        for check, function in checks_of(framework, op).items():
            yield op.name, check, partial(search.holds, framework, op, [function], options)
        if deviation(framework, op.name) is not None:
            yield op.name, "needs_deviation", partial(search.needs_deviation, framework, op, options)
        yield op.name, "discriminates", partial(search.discriminates, framework, op, options)


def _mark(items: list[Check], file: Path, mark: Literal["skip", "xfail"]) -> None:
    """Mark the items that a file of lines ``OP REASON`` or ``OP::CHECK REASON`` names.

    An expected failure that passes fails. A line for an op covers all its checks, and ``agrees`` must fail.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TwinbenchError(f"{file}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        name, _, reason = line.strip().partition(" ")
        if not name or name.startswith("#"):
            continue
        subject, _, check = name.partition("::")
        chosen = [item for item in items if item.subject == subject and check in ("", item.check)]
        if not chosen:
            hint = nearest(subject, {item.subject for item in items})
            raise TwinbenchError(f"{file}, line {number}: '{name}' names no check of this framework{hint}")
        if not reason.strip():
            raise TwinbenchError(f"{file}, line {number}: '{name}' has no reason; write it after the name")
        for item in chosen:
            if mark == "skip":
                item.add_marker(pytest.mark.skip(reason=reason.strip()))
            else:
                strict = bool(check) or item.check == "agrees"
                item.add_marker(pytest.mark.xfail(reason=reason.strip(), strict=strict))


_reasons: dict[str, str | None] = {}
"""Why a framework can't be loaded here, by its name; None for one that is loaded."""


def load(framework: Framework) -> None:
    """Load a framework with one thread, once. Raises TwinbenchError where its library isn't installed."""
    if framework.name not in _reasons:
        reason = unavailable(framework)
        if reason is None:
            extra = environment(find(), 1) if framework.language == "julia" else {}
            os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1") | dict(extra))
            framework.load(1)
        _reasons[framework.name] = reason
    if (reason := _reasons[framework.name]) is not None:
        raise TwinbenchError(reason)
