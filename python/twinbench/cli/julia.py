"""``twinbench julia``: provision Julia, say which one is used, or choose one that is there."""

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
    from twinbench.julia import Julia

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _julia() -> None:
    """Provision Julia, show which one is used, or choose one.

    Example: twinbench julia status
    """


@app.command()
def setup(
    if_possible: Annotated[
        bool, typer.Option("--if-possible", help="Without a network, say so and end with exit code 0.")
    ] = False,
    timeout: Annotated[float | None, typer.Option(min=1, help="Seconds after which to give up.")] = None,
) -> None:
    """Provision Julia and its packages with juliapkg, and compile them ahead.

    A Julia that is named already (see 'twinbench julia use') is only compiled for, and nothing is downloaded.

    Example: twinbench julia setup
    """
    try:
        if timeout is None:
            _setup()
        else:
            _setup_within(timeout)
    except JuliaUnavailable as error:
        if not if_possible:
            raise
        typer.echo(f"Going on without Julia: {error}")


def _setup() -> None:
    from twinbench import julia

    ready = julia.setup(lambda line: typer.echo(line, err=True))
    typer.echo(f"Julia is ready: {ready.exe}, project {ready.project}")
    _tell_what_is_lacking(ready)


def _tell_what_is_lacking(found: Julia) -> None:
    from twinbench import julia

    words = julia.lacking(found)
    if words is not None:
        typer.echo(f"Frameworks that need more are unavailable: {words}")


def _setup_within(seconds: float) -> None:
    """The same in a process group that can be ended with everything it started: downloads, compilers."""
    child = subprocess.Popen([sys.executable, "-m", "twinbench", "julia", "setup"], start_new_session=True)
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
    """Show which Julia is used, its packages, what is missing, and the one command that mends it.

    Julia is not started.

    Example: twinbench julia status --json
    """
    from twinbench import julia

    found = julia.status()
    if as_json:
        print_json(found)
    else:
        print_facts(console(), "Julia", rows(found))


def rows(found: dict[str, Any]) -> list[tuple[str, object]]:
    """A status in words, for a table."""
    packages = ", ".join(f"{name} {version or 'missing'}" for name, version in found["packages"].items())
    return [
        ("found", "no" if found["problem"] else "yes"),
        ("named by", found["source"]),
        ("executable", found["exe"]),
        ("project", found["project"]),
        ("depot", found["depot"]),
        ("version", found["version"]),
        ("packages", packages or None),
        ("why not", found["problem"]),
        ("mend it", found["mend"]),
    ]


@app.command()
def use(
    exe: Annotated[str, typer.Option(help="The julia executable.")],
    project: Annotated[str, typer.Option(help="Directory of the Project.toml whose packages are used.")],
    depot: Annotated[str | None, typer.Option(help="A depot directory, or a whole JULIA_DEPOT_PATH.")] = None,
) -> None:
    """Use an existing Julia from now on: a cluster module's, a container's. Nothing is downloaded.

    It is started once and its packages are checked; on a mistake nothing changes.

    Example: twinbench julia use --exe /usr/local/bin/julia --project ~/env
    """
    from twinbench import julia

    chosen = julia.use(exe, project, depot)
    typer.echo(f"Using {chosen.exe} with project {chosen.project}, written down in {julia.config_file()}")
    _tell_what_is_lacking(chosen)
