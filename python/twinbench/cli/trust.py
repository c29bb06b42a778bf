"""``twinbench trust``: directories whose pipelines may run the code of the user's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.console import console, print_table
from twinbench.errors import BadInput


def trust(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A directory with pipelines that name code of your files.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Trust the directory no longer.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show what is trusted.")] = False,
) -> None:
    """Trust the pipelines of a directory and the code that they name, as the files are now.

    A file that is changed later must be trusted again.

    Example: twinbench trust mine
    """
    from twinbench.plan import trusted
    from twinbench.usercode import trust as record

    if list_:
        rows = [(root, file, sum_[:12]) for root, files in record.directories().items() for file, sum_ in files.items()]
        print_table(console(), "Trusted code", ("directory", "file", "SHA-256"), rows)
        return
    if directory is None:
        raise BadInput("no DIR to trust; name a directory with pipelines, or give --list")
    if remove:
        if not record.remove(directory):
            raise BadInput(f"{directory} is not trusted; twinbench trust --list shows what is")
        return
    result = trusted.trust_directory(directory)
    print(f"trusted: {', '.join(result.functions)}")
    for file, checksum in result.checksums.items():
        print(f"  {checksum[:12]}  {file}")
    for reason in result.left_out:
        typer.echo(f"left out: {reason}", err=True)
