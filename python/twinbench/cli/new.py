"""``twinbench new``: write a pipeline for the user's own data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from twinbench.errors import BadInput


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pipeline's name; the file is NAME.toml.")],
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="A CSV file.")],
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column to learn, which holds the classes 0 and 1.")
    ] = None,
    directory: Annotated[
        Path, typer.Option("--directory", "-d", metavar="DIR", help="Where the pipeline is written.")
    ] = Path(),
) -> None:
    """Write a pipeline that reads your own data, and learns a column of it or groups its rows.

    The file is a start that runs: edit its steps. Columns and their types are those of the data.

    Example: twinbench new churn --data customers.csv --target churned
    """
    from twinbench.data import sniff
    from twinbench.plan import draft, pipeline
    from twinbench.plan.steps import NAME

    if not NAME.fullmatch(name):
        raise BadInput(f"'{name}' is not a name of a pipeline (up to 100 of a-z, 0-9, - and _)")
    file = directory / f"{name}.toml"
    columns = sniff.columns(data)
    path = Path(os.path.relpath(data.absolute(), directory.absolute())).as_posix()
    text = draft.pipeline(name, path, columns, target)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError:
        raise BadInput(f"{file} is there already; give another name") from None
    except OSError as error:
        raise BadInput(f"{file}: can't be written: {error.strerror}") from None
    try:
        pipeline.load(file)
    except BadInput:
        file.unlink()
        raise
    typer.echo(f"written: {file}")
    typer.echo(f"try it: twinbench agree {name} --pipelines {directory}")
