"""``twinbench julia``: provision Julia, show which Julia is used, or choose an existing Julia."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinbench.cli.console import console, print_facts, print_json
from twinbench.errors import JuliaUnavailable

if TYPE_CHECKING:
    from twinbench.julia.find import Julia

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _julia() -> None:
    """Provision Julia, show which Julia is used, or choose an existing one.

    Example: twinbench julia status
    """


@app.command()
def setup(
    layer: Annotated[
        list[str] | None, typer.Argument(help="Layers to add to the base, as 'twinbench julia status' lists them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Add every layer.")] = False,
    if_possible: Annotated[
        bool, typer.Option("--if-possible", help="Without a network, say so and end with exit code 0.")
    ] = False,
    timeout: Annotated[float | None, typer.Option(min=1, help="Seconds after which to give up.")] = None,
) -> None:
    """Provision Julia and its packages with juliapkg, and compile them ahead.

    Without a layer: the base, which has tables, training and the signals of DSP.jl. If a layer fails, only
    its own frameworks are unavailable. For a Julia that is named already (see 'twinbench julia use'), packages are only
    compiled, and nothing is downloaded.

    Example: twinbench julia setup images signals
    """
    from twinbench.julia import layers

    names = list(layers.layers()) if every else list(layer or [])
    layers.chosen(names)
    try:
        if timeout is None:
            _setup(names)
        else:
            _setup_within(timeout, names)
    except JuliaUnavailable as error:
        if not if_possible:
            raise
        typer.echo(f"Going on without Julia: {error}")


def _setup(names: list[str]) -> None:
    from twinbench.julia import provision

    ready = provision.setup(lambda line: typer.echo(line, err=True), names)
    typer.echo(f"Julia is ready: {ready.exe}, project {ready.project}")
    _print_missing(ready)


def _print_missing(julia: Julia) -> None:
    from twinbench.julia import layers, provision, status

    absent = provision.missing_layers(julia)
    if julia.source == "juliapkg" and absent:
        each = ", ".join(f"{name} ({layers.layers()[name].summary})" for name in absent)
        typer.echo(f"Layers that aren't here: {each}; add them by 'twinbench julia setup --all', or one by its name")
    elif absent:
        typer.echo(f"Frameworks that need more are unavailable: {status.lacking(julia)}")
    for note in status.notes(julia):
        typer.echo(f"warning: {note}", err=True)


def _setup_within(seconds: float, names: list[str]) -> None:
    """Run `setup` in a process group, which is killed after the time-out with its downloads and compilers."""
    command = [sys.executable, "-P", "-m", "twinbench", "julia", "setup", *names]
    child = subprocess.Popen(command, start_new_session=True)
    try:
        if child.wait(seconds) != 0:
            raise JuliaUnavailable("the reason is above; 'twinbench julia setup' tries again")
    except subprocess.TimeoutExpired:
        raise JuliaUnavailable(f"not ready after {seconds:g} s; 'twinbench julia setup' goes on from there") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show which Julia is used, its layers of packages, what is missing, and the command that mends the problem.

    Julia is not started.

    Example: twinbench julia status --json
    """
    from twinbench.julia.status import status as julia_status

    facts = julia_status()
    if as_json:
        print_json(facts)
    else:
        print_facts(console(), "Julia", rows(facts))


def rows(facts: dict[str, Any]) -> list[tuple[str, object]]:
    """Convert a status to rows of a table: name and value."""
    packages = ", ".join(f"{name} {version or 'missing'}" for name, version in facts["packages"].items())
    return [
        ("found", "no" if facts["source"] is None else "yes" if not facts["problem"] else "in part"),
        ("named by", facts["source"]),
        ("executable", facts["exe"]),
        ("project", facts["project"]),
        ("depot", facts["depot"]),
        ("version", facts["version"]),
        ("Flux", facts["flux"]),
        ("packages", packages or None),
        *(
            (f"layer {name}", f"lacks {', '.join(lacks)}" if lacks else "here")
            for name, lacks in facts["layers"].items()
        ),
        ("why not", facts["problem"]),
        ("mend it", facts["mend"]),
        *(("note", note) for note in facts["notes"]),
    ]


@app.command()
def use(
    exe: Annotated[str, typer.Option(help="The julia executable.")],
    project: Annotated[str, typer.Option(help="Directory of the Project.toml whose packages are used.")],
    depot: Annotated[str | None, typer.Option(help="A depot directory, or a whole JULIA_DEPOT_PATH.")] = None,
) -> None:
    """Use an existing Julia from now on: a cluster module's, a container's. Nothing is downloaded.

    Julia is started once and its packages are checked; after an error nothing changes.

    Example: twinbench julia use --exe /usr/local/bin/julia --project ~/env
    """
    from twinbench.julia import find, use

    chosen = use.use(exe, project, depot)
    typer.echo(f"Using {chosen.exe} with project {chosen.project}, written down in {find.config_file()}")
    _print_missing(chosen)
