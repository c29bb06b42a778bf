"""``twinbench deploy``: a stack's trained model as a directory from which Docker and the clouds deploy it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.console import print_json
from twinbench.cli.options import OfPipeline, OfSize


def deploy(
    stack: Annotated[str, typer.Option(help="Whose model, such as pandas+torch.")],
    to: Annotated[str, typer.Option(metavar="TARGET", help="docker, aws, azure or google.")],
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the start of it; the latest run if left out.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where to; named after pipeline, stack and target if left out."
        ),
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the image, with the registry that it is pushed to.")
    ] = None,
    pipeline: OfPipeline = None,
    size: OfSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Write the build context and the manifests with which a stack's model is deployed, and print what to run.

    Nothing is built, and no cloud is contacted. Only what is done and agrees with the reference can be deployed.

    Example: twinbench deploy 3f2a --stack pandas+torch --to docker
    """
    from twinbench.errors import BadInput, nearest
    from twinbench.handover.cells import cell_of, usable
    from twinbench.handover.deploy import write as deployment
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    if to not in deployment.PREFIXES:
        raise BadInput(f"--to: unknown target '{to}'{nearest(to, deployment.PREFIXES)}")
    with Store.open(store or default_store(), create=False) as results:
        cell = cell_of(results, results.find_run(run).id, stack, pipeline, size)
        model = usable(results, cell, "deployed")
        directory = output or Path(f"{deployment.name_of(model)}-{to}")
        chosen = {"--pipeline": pipeline, "--size": size, "--store": None if store is None else str(store)}
        words = [word for option, value in chosen.items() if value is not None for word in (option, value)]
        measure = shlex.join(["twinbench", "endpoint", "--stack", cell.stack, *words])
        made = deployment.write(results, model, to, directory, image=image, endpoint=measure)
    if as_json:
        commands = made.commands.splitlines()
        print_json({"directory": str(directory), "image": made.image, "files": made.files, "commands": commands})
        return
    typer.echo(f"{directory}: {cell.stack} on {cell.pipeline} ({cell.size}), run {cell.run_id}, for {to}")
    typer.echo(f"in it: {', '.join(made.files)}")
    if image is None and to != "docker":
        typer.echo("replace the words in capitals, in its files too, or name the image with --image")
    typer.echo(f"\n{made.commands}", nl=False)
