"""A directory from which the model of one cell is deployed: everything that a container engine and a cloud are given.

Nothing is built, run or sent. What a place needs is in ``targets/``, as templates; every value in JSON or YAML goes
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
"""By target what stands before the name of an image; words in capitals are for the user to replace."""

IMAGE = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)*(:[\w.-]+)?", re.ASCII)

NAME_LENGTH = 32
"""Of an endpoint in Azure, where it is shortest."""

LIBRARIES = {"mxnet": ("libgomp1", "libquadmath0")}
"""By environment the shared libraries that its wheels look for in the system."""

COMMANDS = "commands.txt"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was written."""

    directory: Path
    image: str
    files: tuple[str, ...]
    """At its top."""
    commands: str
    """What a person runs next, a command a line. Also in the directory."""


def write(store: Store, model: Model, target: str, directory: Path, *, image: str | None, endpoint: str) -> Deployment:
    """Write everything into a directory, which must be new or empty. ``endpoint`` is the command that measures it.

    Raises BadInput, and TwinbenchError where the model or the wheel can't be made.
    """
    image = _image(model, target, image)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BadInput(f"-o {directory}: it is there, and not an empty directory; name another one")
    with scratch() as place:
        made = Path(place) / "made"
        made.mkdir()
        saved = models.save(store, model, Path(place))
        shutil.copytree(saved, made / "model")
        _write_examples(model, made)
        facts = _facts(model, made) | {"image": image, "registry": image.partition("/")[0]}
        facts |= {"root": target == "aws", "directory": shlex.quote(str(directory)), "endpoint": endpoint}
        _render(made, target, facts)
        try:
            shutil.copytree(made, directory, dirs_exist_ok=True)
        except OSError as error:  # shutil's own holds a list, not a reason
            raise BadInput(f"-o {directory}: it can't be written; name another one") from error
    files = tuple(sorted(path.name for path in directory.iterdir()))
    return Deployment(directory, image, files, (directory / COMMANDS).read_text(encoding="utf-8"))


def name_of(model: Model) -> str:
    """Of the pipeline and the stack: small letters, digits and hyphens, a letter first."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{model.cell.pipeline}-{model.cell.stack}".lower()).strip("-")
    return (words if words[:1].isalpha() else f"m-{words}")[:NAME_LENGTH].strip("-")


def _image(model: Model, target: str, image: str | None) -> str:
    if image is None:
        return f"{PREFIXES[target]}{name_of(model)}:{re.sub(r'[^A-Za-z0-9_.-]', '-', model.cell.run_id)}"
    if not IMAGE.fullmatch(image):
        raise BadInput(f"--image: {image!r} is no name of an image; try registry.example.com/team/flights:1")
    return image


def _write_examples(model: Model, made: Path) -> None:
    """A request, and the answer that the run has for it."""
    scores = model.scores[: len(model.example)]
    for name, content in (("rows", {"instances": model.example}), ("expected", {"predictions": scores})):
        plain = {key: value.tolist() for key, value in content.items()}
        (made / f"{name}.json").write_text(json.dumps(plain) + "\n", encoding="utf-8")


def _facts(model: Model, made: Path) -> dict[str, Any]:
    """What the templates know of the model. Writes what it installs beside it."""
    needs = requirements.of_model(made / "model")
    for name, lines in (("requirements", needs), ("constraints", requirements.constraints(needs))):
        (made / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    framework = registry.get(model.framework)
    ours = saving.flavour(model.framework) == "served"
    return {
        "name": name_of(model),
        "run": shlex.quote(model.cell.run_id),
        "twinbench": twinbench.__version__,
        "python": ".".join(map(str, sys.version_info[:2])),
        "without_cuda": requirements.without_cuda(needs),
        "wheel": wheel.write(made).name if ours else None,
        "julia": framework.language == "julia",
        "environment": framework.environment,
        "libraries": LIBRARIES.get(framework.environment or "", ()),
        "variables": models.variables(model.framework),
        "memory": "4Gi" if ours else "2Gi",
    }


def _render(made: Path, target: str, facts: Mapping[str, Any]) -> None:
    shutil.copy(TARGETS / "serve.py", made / "serve.py")
    templates = {"Dockerfile": "Dockerfile", ".dockerignore": "dockerignore"}
    templates |= {place.name: f"{target}/{place.name}" for place in sorted((TARGETS / target).iterdir())}
    environment = _environment()
    for name, template in templates.items():
        (made / name).write_text(environment.get_template(template).render(facts), encoding="utf-8")


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TARGETS),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # no HTML
    )
