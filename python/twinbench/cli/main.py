"""The command line: its commands, and how each of them ends.

A command's module is imported when the command is called, so that ``twinbench --help`` and the error about a mistyped
command appear at once.
"""

from __future__ import annotations

import errno
import importlib
import os
import re
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from twinbench import __version__
from twinbench.cli.streams import guard_streams
from twinbench.errors import BAD_INPUT, FAILED, INTERRUPTED, OK, BadInput, TwinbenchError
from twinbench.launch import interrupts

COMMANDS = {
    "list": ("twinbench.cli.list:list_", "Show pipelines, stacks, frameworks, ops and datasets."),
    "doctor": ("twinbench.cli.doctor:doctor", "Show what this machine has, and what it lacks."),
    "run": ("twinbench.cli.run:run", "Run a pipeline on several stacks: check agreement, then measure."),
    "pair": ("twinbench.cli.pair:pair", "Check that your own functions, in Python and Julia, give the same answers."),
    "trust": ("twinbench.cli.trust:trust", "Let the pipelines of a directory run code of your own files."),
    "agree": ("twinbench.cli.agree:agree", "Check that stacks compute what the reference does."),
    "show": ("twinbench.cli.show:show", "Show a run: the latest one, or the one named."),
    "report": ("twinbench.cli.report:report", "Write a run as one HTML file."),
    "errors": ("twinbench.cli.mistakes:errors", "Show where the predictions of a run are wrong."),
    "compare": ("twinbench.cli.compare:compare", "Compare two runs, or the stacks of one."),
    "recommend": ("twinbench.cli.recommend:recommend", "Choose a stack from a run."),
    "promote": ("twinbench.cli.promote:promote", "Register a stack's trained model in MLflow."),
    "deploy": ("twinbench.cli.deploy:deploy", "Write a directory from which Docker or a cloud deploys a model."),
    "endpoint": ("twinbench.cli.endpoint:endpoint", "Measure a stack's deployed model."),
    "monitor": ("twinbench.cli.monitor:monitor", "Check whether new rows still fit a trained model."),
    "export": ("twinbench.cli.export:export", "Write a run's samples to Parquet or CSV."),
    "merge": ("twinbench.cli.merge:merge", "Copy the runs of other stores into one."),
    "track": ("twinbench.cli.track:app", "Send a stored run to MLflow, Comet or asv."),
    "new": ("twinbench.cli.new:new", "Write a pipeline for your own data."),
    "schema": ("twinbench.cli.schema:schema", "Print the JSON schema of pipeline files, for editors."),
    "data": ("twinbench.cli.data:app", "List, describe and fetch datasets."),
    "selftest": ("twinbench.cli.selftest:selftest", "Measure how small a difference this machine can detect."),
    "env": ("twinbench.cli.env:app", "Make environments for libraries that need their own."),
    "julia": ("twinbench.cli.julia:app", "Provision Julia, show it, or choose one."),
}
"""Module and attribute of each command by its name, with the command's line in ``twinbench --help``."""

UsageError: Any = typer.BadParameter.__mro__[1]
"""Typer's error about arguments, for which it has no public name."""

EMPTY = re.compile(r"--[\w-]+=")
"""Pattern of an option whose value is empty."""

NOT_A_FILE = {errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ELOOP}
"""Errors of the system about a path that the user named."""

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
"""Errors of the system about a disk that takes no more."""

EPILOG = """\
\b
Exit codes:
    0  all cells ended as planned; unavailable ones are shown, and allowed
    1  a cell failed or disagrees, or something else went wrong
    2  bad arguments, or a bad pipeline file
    3  a framework named by --require, the device of --device, or Julia (twinbench julia) is unavailable
    4  `compare --fail-on-regression` found one, or `monitor --fail-on-drift` found drift or worse quality
  130  interrupted

\b
Example:
  twinbench run flights-delay --stack pandas+torch --size small
"""


class _Lazy(TyperGroup):
    """A group of commands by name and help text, which imports only the command that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, stub, rest = super().resolve_command(ctx, args)
        return name, stub if name is None else _load(name), rest


def _load(name: str) -> Any:
    """Import the command of this name: a function becomes a command, a typer application is a group of commands."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False, rich_markup_mode=None)
        target.command(name)(function)
    return get_command(target)


app = typer.Typer(cls=_Lazy, add_completion=False, no_args_is_help=True, rich_markup_mode=None, epilog=EPILOG)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"twinbench {__version__}")
        raise typer.Exit


@app.callback()
def twinbench(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may be given anywhere on the line.")] = False,
) -> None:
    """Run the same pipeline in Python and in Julia, prove that the stacks agree, and measure them fairly."""


def _stub() -> None:
    """Stand for a command in the help, until the command's own module is imported."""


for _name, (_, _summary) in COMMANDS.items():
    app.command(_name, help=_summary)(_stub)


def main() -> NoReturn:
    """Run the console script. An error is one line on stderr and an exit code; ``--debug`` adds the traceback."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    guard_streams()
    interrupts.heed()
    sys.exit(_guarded(arguments, debug))


def _guarded(arguments: list[str], debug: bool) -> int:
    try:
        code = _call(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return FAILED
    except TwinbenchError as error:
        _complain(str(error), debug)
        return error.exit_code
    except OSError as error:
        _complain(_words(error), debug)
        return BAD_INPUT if error.errno in NOT_A_FILE else FAILED
    except Exception as error:
        _complain(f"unexpected {type(error).__name__}: {error}; --debug shows where", debug)
        return FAILED
    finally:
        _name_left_out()
    return code


def _words(error: OSError) -> str:
    """Say which file the system refuses, and why. Where a copy fills a disk, that is the copy and not its source."""
    if error.errno in DISK_FULL:
        where = error.filename2 or error.filename
        return (
            f"{f'{where}: ' if where else ''}{error.strerror}; free some space on that disk, or set TMPDIR to another"
        )
    return f"{error.filename or error}: {error.strerror or 'the system refuses it'}"


def _name_left_out() -> None:
    """Name the plug-ins that were left out, if the command looked for any."""
    modules = (sys.modules.get(name) for name in ("twinbench.frameworks.registry", "twinbench.ops"))
    for line in (line for module in modules for line in getattr(module, "left_out", list)()):
        print(f"warning: left out: {line}", file=sys.stderr)


def _call(arguments: list[str]) -> int:
    """Run a command, and return the exit code with which it ends. Raises BadInput for arguments that are refused."""
    for number, argument in enumerate(arguments, start=1):
        if not argument or EMPTY.fullmatch(argument):
            before = arguments[number - 2] if number > 1 and not argument else argument.rstrip("=")
            raise BadInput(f"argument {number}, after '{before}', is empty; give a value, or leave the option out")
        if "\0" in argument:
            raise BadInput(f"argument {number} has a NUL character in it, which no name may have")
    try:
        code = get_command(app).main(arguments, prog_name="twinbench", standalone_mode=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else OK if ended.code is None else FAILED
    except UsageError as error:
        message = " ".join(error.format_message().split())
        if not message or message.startswith("Usage:"):  # no arguments at all: the help is shown
            error.show()
            return BAD_INPUT
        command = "twinbench" if error.ctx is None else error.ctx.command_path
        raise BadInput(f"{message.rstrip('.')}; see '{command} --help'") from None
    return code if isinstance(code, int) else OK


def _complain(message: str, debug: bool) -> None:
    if debug:
        import traceback

        print(traceback.format_exc(), end="", file=sys.stderr)  # without the colours that print_exc may add
    print(f"twinbench: error: {' '.join(message.splitlines())}", file=sys.stderr)


def _discard_output() -> None:
    """Send buffered output to the null device, without a message: the reader (``| head``) has closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
