"""Julia's frameworks, as their files in ``julia/src/frameworks`` declare them.

Listing the frameworks reads text and starts nothing; the code that needs Julia is in ``julia_bridge``. This file knows
no library by name.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from twinbench import paths
from twinbench.frameworks import julia_bridge as bridge
from twinbench.frameworks.api import Deviation, Framework
from twinbench.frameworks.julia_literals import Literals, Numbers, Texts
from twinbench.julia.find import package_versions
from twinbench.ops.contract import Arrays, Tolerance


def frameworks() -> tuple[Framework, ...]:
    """Return every framework of the Julia package, ordered by file name."""
    folder = paths.resource("julia") / "src" / "frameworks"
    return tuple(read(file) for file in sorted(folder.glob("*.jl")))


def read(file: Path) -> Framework:
    """Read the framework that a Julia file declares by the literals NAME, PACKAGES, SUMMARY and OPS.

    NOTES, DEVIATIONS and DEVICES are optional. Julia isn't started. Raises ValueError, with file and line, for a
    literal that is missing or can't be read.
    """
    literals = Literals(file)
    name = literals.text("NAME")
    packages = tuple(literals.texts("PACKAGES"))
    module = partial(bridge.loaded_module, name, file)
    return Framework(
        name=name,
        language="julia",
        summary=literals.text("SUMMARY"),
        packages=packages,
        load=partial(bridge.load, packages),
        cuda=partial(bridge.cuda, module) if "cuda" in literals.optional_texts("DEVICES") else None,
        prepare=partial(bridge.prepare, module),
        extract=bridge.extract,
        threads=bridge.threads,
        engine=partial(bridge.engine, packages, module),
        facts=bridge.facts,
        ops={op: bridge.JuliaOp(op, module, file) for op in literals.names("OPS")},
        notes=literals.notes("NOTES"),
        deviations={
            op: _deviation(f"{file}: DEVIATIONS: {op}", *declared)
            for op, declared in literals.reasons("DEVIATIONS").items()
        },
    )


def _deviation(where: str, texts: Texts, numbers: Numbers) -> Deviation:
    """Make a deviation of its texts, the numbers of a `Tolerance` and the share.

    ``computes`` names a Python function, "module:function". Raises ValueError, with ``where``, for another number, and
    for a name of another form.
    """
    valid = [*(field.name for field in fields(Tolerance)), "share"]
    unknown = numbers.keys() - set(valid)
    if unknown:
        raise ValueError(f"{where}: {', '.join(sorted(unknown))} isn't a bound; bounds are {', '.join(valid)}")
    tolerance = Tolerance(numbers.get("rtol", 0.0), numbers.get("atol", 0.0), int(numbers.get("levels", 0)))
    formula = texts.get("computes", "")
    if formula and not re.fullmatch(r"[\w.]+:\w+", formula):
        raise ValueError(
            f'{where}: computes = {formula!r} isn\'t a Python function, such as "my_package.formulas:blur"'
        )
    return Deviation(
        reason=texts["reason"],
        effect=texts.get("effect", ""),
        tolerance=tolerance,
        share=numbers.get("share", 0.0),
        computes=partial(_computed, formula) if formula else None,
    )


def _computed(formula: str, *arguments: Any) -> Arrays:
    """Call the function that a file names, "module:function"; its module is imported only here."""
    module, _, function = formula.partition(":")
    output: Arrays = getattr(importlib.import_module(module), function)(*arguments)
    return output


def load_all() -> None:
    """Load every framework whose packages are installed. Julia compiles packages that aren't compiled yet.

    A framework that doesn't load is named on standard output, and the other frameworks are still loaded.
    """
    bridge.load((), 1)
    for framework in frameworks():
        if None not in package_versions(framework.packages).values():
            try:
                framework.load(1)
            except Exception as error:
                print(f"{framework.name} does not load: {str(error).partition(chr(10))[0]}", flush=True)
