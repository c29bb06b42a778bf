"""Write a directory from which a container engine and a cloud deploy the model of one cell.

Nothing is built, run or sent. Each target's files are templates in ``targets/``; every value in JSON or YAML goes
through a JSON encoder, and every word of a command through the shell's quoting.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import twinbench
from twinbench.errors import BadInput
from twinbench.frameworks import registry
from twinbench.handover import models
from twinbench.handover.deploy import requirements, wheel
from twinbench.handover.flavours import saving
from twinbench.launch.process import scratch
from twinbench.results.models.kept import Model
from twinbench.store.store import Store

if TYPE_CHECKING:
    from jinja2 import Environment

TARGETS = Path(__file__).with_name("targets")

PREFIXES = {"docker": "", "aws": "REGISTRY/", "azure": "REGISTRY/", "google": "REGISTRY/"}
"""Prefix of the image's name by target; the user replaces words in capitals."""

IMAGE = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)*(:[\w.-]+)?", re.ASCII)

BASE = re.compile(rf"{IMAGE.pattern}(@sha256:[0-9a-f]{{64}})?", re.ASCII)
"""Pattern of a base image, which a digest may follow."""

NAME_LENGTH = 32
"""Longest name of an endpoint in characters: Azure's limit, which is the lowest."""

LIBRARIES = {"mxnet": ("libgomp1", "libquadmath0")}
"""Debian packages with the shared libraries that an environment's wheels load from the system, by environment."""

COMMANDS = "commands.txt"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment's directory, image name, files and commands."""

    directory: Path
    image: str
    files: tuple[str, ...]
    """Names of the files and directories directly in the directory."""
    commands: str
    """Commands to run next, one a line; also in the file `COMMANDS` of the directory."""


def write(
    store: Store, model: Model, target: str, directory: Path, *, image: str | None, base: str | None, endpoint: str
) -> Deployment:
    """Write a deployment into a new or empty directory. ``endpoint`` is the command that measures the endpoint.

    ``base``: the image that the Dockerfile begins with; None for Python's own, of the version that runs here.

    Raises BadInput, and TwinbenchError if the model can't be saved or the wheel can't be written.
    """
    image, base = _image(model, target, image), _base(base)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BadInput(f"-o {directory}: exists, and is not an empty directory; name another directory")
    with scratch() as temporary:
        build = Path(temporary) / "build"
        build.mkdir()
        saved = models.save(store, model, Path(temporary), check=True)
        shutil.copytree(saved, build / "model")
        _write_examples(model, build)
        facts = _facts(model, build) | {"image": image, "base": base, "registry": image.partition("/")[0]}
        facts |= {"root": target == "aws", "directory": shlex.quote(str(directory)), "endpoint": endpoint}
        _render(build, target, facts)
        try:
            shutil.copytree(build, directory, dirs_exist_ok=True)
        except OSError as error:  # shutil's error holds a list of files, not a reason
            raise BadInput(f"-o {directory}: can't be written; name another directory") from error
    files = tuple(sorted(path.name for path in directory.iterdir()))
    return Deployment(directory, image, files, (directory / COMMANDS).read_text(encoding="utf-8"))


def name_of(model: Model) -> str:
    """Return a name build of pipeline and stack: lower-case letters, digits and hyphens, starting with a letter."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{model.cell.pipeline}-{model.cell.stack}".lower()).strip("-")
    return (words if words[:1].isalpha() else f"m-{words}")[:NAME_LENGTH].strip("-")


def _image(model: Model, target: str, image: str | None) -> str:
    if image is None:
        return f"{PREFIXES[target]}{name_of(model)}:{re.sub(r'[^A-Za-z0-9_.-]', '-', model.cell.run_id)}"
    if not IMAGE.fullmatch(image):
        raise BadInput(f"--image: {image!r} is not a valid image name; try registry.example.com/team/flights:1")
    return image


def _base(base: str | None) -> str:
    if base is None:
        return f"python:{'.'.join(map(str, sys.version_info[:2]))}-slim"
    if not BASE.fullmatch(base):
        digest = f"{'0123456789abcdef' * 4}"
        raise BadInput(f"--base: {base!r} is not a valid image name; try python:3.12-slim@sha256:{digest}")
    return base


def _write_examples(model: Model, build: Path) -> None:
    """Write a request as JSON, and the answer that the run stored for its rows."""
    scores = model.scores[: len(model.example)]
    for name, content in (("rows", {"instances": model.example}), ("expected", {"predictions": scores})):
        plain = {key: value.tolist() for key, value in content.items()}
        (build / f"{name}.json").write_text(json.dumps(plain) + "\n", encoding="utf-8")


def _facts(model: Model, build: Path) -> dict[str, Any]:
    """Return the variables of the templates. Writes requirements, constraints and the wheel beside the model."""
    needs = requirements.of_model(build / "model")
    for name, lines in (("requirements", needs), ("constraints", requirements.constraints(needs))):
        (build / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    framework = registry.get(model.framework)
    ours = saving.flavour(model.framework) == "served"
    return {
        "name": name_of(model),
        "run": shlex.quote(model.cell.run_id),
        "twinbench": twinbench.__version__,
        "without_cuda": requirements.without_cuda(needs),
        "wheel": wheel.write(build).name if ours else None,
        "julia": framework.language == "julia",
        "environment": framework.environment,
        "libraries": LIBRARIES.get(framework.environment or "", ()),
        "variables": models.variables(model.framework),
        "memory": "4Gi" if ours else "2Gi",
    }


def _render(build: Path, target: str, facts: Mapping[str, Any]) -> None:
    shutil.copy(TARGETS / "serve.py", build / "serve.py")
    templates = {"Dockerfile": "Dockerfile", ".dockerignore": "dockerignore"}
    templates |= {file.name: f"{target}/{file.name}" for file in sorted((TARGETS / target).iterdir())}
    environment = _environment()
    for name, template in templates.items():
        (build / name).write_text(environment.get_template(template).render(facts), encoding="utf-8")


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TARGETS),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the templates aren't HTML
    )
