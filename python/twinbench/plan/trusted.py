"""The check that a pipeline's own code is trusted, before any of it is executed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from twinbench.errors import BadInput, TwinbenchError
from twinbench.plan.pipeline import Pipeline, discover, load
from twinbench.usercode import trust


@dataclass(frozen=True, slots=True)
class Trusted:
    """What `trust_directory` trusted: checksums by file, the functions, and the files that are left out, with why."""

    checksums: trust.Checksums
    functions: list[str]
    left_out: list[str]


def require(pipeline: Pipeline, *, allowed: bool) -> None:
    """Raise BadInput if a run of the pipeline would execute code that isn't trusted, with the functions and files.

    ``allowed``: whether the user has said that the code may run this time.
    """
    files = pipeline.code_files
    doubt = "" if allowed else trust.doubt(files)
    if doubt:
        functions = ", ".join(function.text for function in pipeline.code)
        listed = ", ".join(str(file) for file in files[1:])
        raise BadInput(
            f"{pipeline.path} would run code of your files: {functions} (in {listed}), and {doubt}; read them, then "
            f"add --trust, or trust the directory once with: twinbench trust {pipeline.path.parent}"
        )


def refuse(pipeline: Pipeline, why: str) -> None:
    """Raise BadInput if a pipeline has code of the user's, where none can be executed."""
    if pipeline.code:
        functions = ", ".join(function.text for function in pipeline.code)
        raise BadInput(f"{pipeline.path} has code of your files ({functions}), {why}")


def trust_directory(directory: Path) -> Trusted:
    """Trust the pipelines below a directory and their code, as the files are now. Raises BadInput if there is none."""
    pipelines, left_out = [], []
    for path in discover([directory]).values():
        try:
            pipelines.append(load(path))
        except TwinbenchError as error:
            left_out.append(str(error))
    files = [file for pipeline in pipelines for file in pipeline.code_files]
    if not files:
        raise BadInput("; ".join([f"{directory}: no pipeline in it names code of yours", *left_out]))
    root = directory.resolve()
    outside = [file for file in files if root not in file.resolve().parents]
    left_out += [f"{file} is outside of {root}; trust its directory, too" for file in dict.fromkeys(outside)]
    functions = dict.fromkeys(function.text for pipeline in pipelines for function in pipeline.code)
    return Trusted(trust.add(directory, files), list(functions), left_out)
