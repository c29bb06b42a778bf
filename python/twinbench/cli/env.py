"""``twinbench env``: Python environments of libraries that conflict with the others, and of own functions."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _env() -> None:
    """Make, list or remove Python environments: of libraries that conflict with the others, and of own functions.

    Example: twinbench env create mxnet
    """


@app.command()
def create(name: Annotated[str, typer.Argument(help="An environment, as 'twinbench env list' shows it.")]) -> None:
    """Make an environment with Python's venv and pip, unless it exists already.

    Example: twinbench env create mxnet
    """
    from twinbench.launch import environments

    directory = environments.create(name, lambda line: typer.echo(line, err=True))
    typer.echo(f"{name} is ready: {directory}")


@app.command("list")
def list_() -> None:
    """Show every environment, and whether it exists here.

    Example: twinbench env list
    """
    from twinbench.cli.console import console, print_table
    from twinbench.launch import environments

    rows = [
        (
            environment.name,
            "yes" if environments.exists(environment.name) else "no",
            ", ".join(environment.requirements),
            environment.reason,
        )
        for environment in environments.every().values()
    ]
    print_table(console(), "Environments", ("name", "here", "installs", "why"), rows)


@app.command()
def remove(name: Annotated[str, typer.Argument(help="An environment, as 'twinbench env list' shows it.")]) -> None:
    """Delete an environment.

    Example: twinbench env remove mxnet
    """
    from twinbench.launch import environments

    typer.echo(f"{name} is removed" if environments.remove(name) else f"{name} was not there")
