"""``twinbench deploy``: write a directory from which Docker or a cloud deploys a stack's trained model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.console import print_json, warn_of_doubts
from twinbench.cli.options import AsJson, ModelStack, PipelineOfRun, RunId, SizeOfRun, StoreFile


def deploy(
    stack: ModelStack,
    to: Annotated[str, typer.Option(metavar="TARGET", help="Where to deploy: docker, aws, azure or google.")],
    run: RunId = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="The directory to write; named after pipeline, stack and target if left out.",
        ),
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="NAME", help="The image's name, with the registry that it is pushed to.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="The image to begin with, best with its digest (NAME@sha256:...): Debian with Python of the version "
            "here. Python's own slim image if left out.",
        ),
    ] = None,
    pipeline: PipelineOfRun = None,
    size: SizeOfRun = None,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Write the build context and the manifests with which a stack's model is deployed, and print what to run.

    Nothing is built, and no cloud is contacted. The stack must be done and agree with the reference.

    Example: twinbench deploy 3f2a --stack pandas+torch --to docker
    """
    from twinbench.errors import BadInput, nearest
    from twinbench.handover.cells import cell_of, doubts, unchecked, usable
    from twinbench.handover.deploy import write as deployment
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    if to not in deployment.PREFIXES:
        raise BadInput(f"--to: unknown target '{to}'{nearest(to, deployment.PREFIXES)}")
    with Store.open_to_read(store or default_store()) as results:
        cell = cell_of(results, results.find_run(run).id, stack, pipeline, size)
        model = usable(results, cell, "deployed")
        directory = output or Path(f"{deployment.name_of(model)}-{to}")
        chosen = {"--pipeline": pipeline, "--size": size, "--store": None if store is None else str(store)}
        words = [word for option, value in chosen.items() if value is not None for word in (option, value)]
        measure = shlex.join(["twinbench", "endpoint", "--stack", cell.stack, *words])
        doubtful = [*doubts(results, cell), *unchecked(results, cell)]
        written = deployment.write(results, model, to, directory, image=image, base=base, endpoint=measure)
    warn_of_doubts(cell, doubtful)
    if as_json:
        commands = written.commands.splitlines()
        facts = {"directory": str(directory), "image": written.image, "files": written.files, "commands": commands}
        print_json(facts | {"doubts": doubtful})
        return
    typer.echo(f"{directory}: {cell.stack} on {cell.pipeline} ({cell.size}), run {cell.run_id}, for {to}")
    typer.echo(f"in it: {', '.join(written.files)}")
    if image is None and to != "docker":
        typer.echo("replace the words in capitals, in its files too, or name the image with --image")
    typer.echo(f"\n{written.commands}", nl=False)
