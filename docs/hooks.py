"""Pages that are made from the code when the site is built.

These are the references of the command line and the ops, the matrix of ops and frameworks, the datasets, the walls
between rooms, and the JSON schemas.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from twinbench import ops
from twinbench.cli import main, schemas
from twinbench.data.registry import DATASETS
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.modalities import MODALITIES
from twinbench.ops.contract import Op
from twinbench.ops.parameters import described
from twinbench.plan.schema import schema as pipeline_schema

PICTURES = Path(__file__).parent / "data"
WALLS = Path(__file__).parents[1] / "tests" / "test_walls.py"
PUBLISHED = [modality for modality in MODALITIES if modality != "probe"]


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages."""
    pages = {"cli.md": cli(), "ops.md": contracts(), "matrix.md": matrix(), "data/index.md": datasets()}
    pages |= {f"schema/{name}.json": json.dumps(schemas.schema(name), indent=2) for name in schemas.OUTPUTS}
    pages["schema/pipeline.json"] = json.dumps(pipeline_schema(), indent=2)
    for name, page in pages.items():
        files.append(File.generated(config, name, content=page))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the table of walls where a page asks for it."""
    return markdown.replace("{{ walls }}", walls())


def walls() -> str:
    """A table of the rooms: what each may import, and which rooms import it. Read from `tests/test_walls.py`."""
    spec = importlib.util.spec_from_file_location("walls", WALLS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rooms: Mapping[str, set[str]] = module.MAY_IMPORT
    rows = []
    for room, imported in rooms.items():
        if room not in module.EVERYBODY:
            importers = [other for other, targets in rooms.items() if room in targets]
            rows.append((f"`{room}`", _rooms(imported), _rooms([*importers, "cli"])))
    return _table(("room", "may import", "may be imported by"), rows)


def _rooms(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "nothing"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str = "---") -> str:
    lines = [head, ["---", *[align] * (len(head) - 1)], *rows]
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def matrix() -> str:
    """By modality, which framework implements which op, and which op deviates from its contract."""
    parts = [
        "---\nhide: [toc]\n---",
        "# Ops and frameworks",
        "This page is made from the code. **x**: the framework implements the op by its contract. **d**: the framework "
        "declares a deviation, with the reason and a bound; the step is measured and shown, and never ranked. An empty "
        "cell means that the library has no such function. The contracts are on the page [Ops](ops.md).",
    ]
    frameworks = [f for name, f in registry.frameworks().items() if name != "reference"]
    reasons = []
    for modality in PUBLISHED:
        declared = ops.of_modality(modality)
        columns = [f for f in frameworks if any(op.name in f.ops for op in declared)]
        rows = [[f"`{op.name.partition('.')[2]}`", *[_cell(f, op) for f in columns]] for op in declared]
        parts += [f"## {modality}", _table(["op", *[f.name for f in columns]], rows, ":-:")]
        reasons += [
            [f.name, f"`{op.name}`", f.deviations[op.name].reason]
            for op in declared
            for f in columns
            if op.name in f.deviations
        ]
    parts += ["## Declared deviations", _table(("framework", "op", "why"), reasons)]
    return "\n\n".join(parts)


def _cell(framework: Framework, op: Op) -> str:
    if op.name not in framework.ops:
        return ""
    return "d" if op.name in framework.deviations else "x"


def cli() -> str:
    """Every command's own help."""
    parts = ["# Command line", main.EPILOG.replace("\b\n", "").replace("Exit codes:", "**Exit codes**\n\n```")]
    parts[-1] = parts[-1].replace("\nExample:", "```\n\n**Example**\n\n```") + "```"
    for name in main.COMMANDS:
        parts += _command(f"twinbench {name}", main._load(name))
    return "\n\n".join(parts)


def _command(path: str, command: Any) -> Iterator[str]:
    group = getattr(command, "commands", None)
    if group is not None:
        for name, inner in group.items():
            yield from _command(f"{path} {name}", inner)
        return
    context = command.make_context(path, [], resilient_parsing=True)
    yield f"## {path}"
    yield f"```text\n{command.get_help(context).strip()}\n```"


def contracts() -> str:
    """Every op's contract, and who implements it."""
    parts = [
        "# Ops",
        "An op is a language-neutral contract: what an implementation in any language must compute, to the last tie "
        "and missing value. These are printed from the code; `twinbench list --json` has them too.",
    ]
    for modality in MODALITIES:
        if modality != "probe":
            parts.append(f"## {modality}")
            parts += [part for op in ops.of_modality(modality) for part in _contract(op)]
    return "\n\n".join(parts)


def datasets() -> str:
    """Every dataset, with its picture where there is one: `docs/pictures.py` draws them."""
    parts = [
        "# Datasets",
        "`twinbench data list` says which of them are here, `twinbench data fetch NAME` gets one, and `twinbench data "
        "describe NAME` shows what is in it: checksums, types, missing values, quantiles, label balance.",
    ]
    for dataset in DATASETS.values():
        parts.append(f"## {dataset.name}")
        if (PICTURES / f"{dataset.name}.png").is_file():
            parts.append(f"![{dataset.summary}]({dataset.name}.png)")
        amount = f"{dataset.most:,} {dataset.unit}" if dataset.most is not None else f"any number of {dataset.unit}"
        parts.append(f"{dataset.summary}.")
        told = {"Size": amount, "Source": dataset.source, "Licence": dataset.licence, "Split": dataset.split}
        parts.append("\n".join(f"- {name}: {value}" for name, value in told.items()))
    return "\n\n".join(parts)


def _contract(op: Op) -> Iterator[str]:
    who = [framework.name for framework in registry.frameworks().values() if op.name in framework.ops]
    tolerance = f"{op.tolerance.level} (rtol {op.tolerance.rtol:g}, atol {op.tolerance.atol:g}"
    tolerance += f", {op.tolerance.levels} grey level)" if op.tolerance.levels else ")"
    yield f"### {op.name}"
    yield op.summary
    yield op.semantics
    yield from _parameters(described(op.params))
    yield f"Inputs: {', '.join(op.inputs) or 'none'}. Output: {op.output}. Tolerance: {tolerance}."
    yield f"Implemented by: {', '.join(name for name in who if name != 'reference')}."
    yield f"Source: {op.source}."


def _parameters(found: Mapping[str, Any], of: str = "Parameters") -> Iterator[str]:
    if not found["fields"]:
        yield found["meaning"]
        return
    yield f"{of}: {found['meaning']}"
    yield "\n".join(f"- `{field['name']}`: `{field['type']}`, {_default(field)}" for field in found["fields"])
    for name, choice in found["choices"].items():
        yield from _parameters(choice, f"`{name}`")


def _default(field: Mapping[str, Any]) -> str:
    return "required" if field["required"] else f"`{json.dumps(field['default'])}` if left out"
