"""The status of Julia, which ``twinbench julia status`` and ``twinbench doctor`` show. Nothing here starts Julia."""

from __future__ import annotations

from typing import Any

from twinbench.errors import JuliaUnavailable
from twinbench.julia import find, layers, openssl
from twinbench.julia.find import Julia

OLDEST, NEWEST = (1, 10), (1, 12)
"""The versions of Julia, (major, minor), that twinbench supports; ``juliapkg.json`` says the same."""


def status() -> dict[str, Any]:
    """Describe the Julia in use, its packages, what is missing, and the command that mends the problem. Never raises.

    Keys: ``source``, ``exe``, ``project``, ``depot``, ``version``, ``packages``, ``missing``, ``layers``, ``flux``,
    ``problem``, ``mend``, ``notes``; None or empty where there is nothing to say. ``layers`` holds for each layer the
    packages that it lacks.
    """
    empty = dict.fromkeys(("source", "exe", "project", "depot", "version", "flux", "problem", "mend"))
    result: dict[str, Any] = empty | {"packages": {}, "missing": [], "layers": {}}
    passed_over = openssl.passed_over()
    result["notes"] = [passed_over] if passed_over else []
    try:
        julia = find.named() or find.provisioned()
        if julia is not None:
            result |= {"source": julia.source, "exe": julia.exe, "project": julia.project, "depot": julia.depot}
            if julia.source != "juliapkg":
                result["notes"] = []
            result |= _contents(julia)
            result["notes"] += notes(julia)
        find.find()
    except JuliaUnavailable as error:
        problem, _, mend = str(error).partition("; ")
        return result | {"problem": problem, "mend": mend or find.SETUP_HINT}
    if julia is not None and result["missing"]:
        result["problem"] = f"the Julia project lacks {', '.join(result['missing'])}"
        result["mend"] = find.mend(julia, result["missing"])
    return result


def _contents(julia: Julia) -> dict[str, Any]:
    present = find.packages(julia)
    versions = {name: present.get(name) for name in layers.all_packages()}
    version = julia.version
    return {
        "version": ".".join(map(str, version)) if version else None,
        "packages": versions,
        "missing": [name for name in versions if versions[name] is None],
        "layers": {name: layer.missing(present) for name, layer in layers.layers().items()},
        "flux": _flux(julia, present),
    }


def notes(julia: Julia) -> list[str]:
    """List warnings about a Julia that can be used: an unsupported version, packages that would crash.

    Raises JuliaUnavailable.
    """
    version = julia.version
    lines = []
    if version is not None and version[:2] > NEWEST:
        oldest, newest = (".".join(map(str, pair)) for pair in (OLDEST, NEWEST))
        lines.append(
            f"Julia {'.'.join(map(str, version))} is newer than those that twinbench is made for, {oldest} to {newest}"
        )
    crash = find.crash(julia, [name for name in layers.all_packages() if name in find.packages(julia)])
    return [*lines, crash] if crash else lines


def _flux(julia: Julia, present: dict[str, str]) -> str | None:
    """Describe Flux: its version, the packages that compute its gradients, and the devices that it can use."""
    if "Flux" not in present:
        return None
    resolved = find.manifest(julia, julia.version).get("deps", {})
    by = [f"{name} {resolved[name][0].get('version')}" for name in ("Zygote", "NNlib") if name in resolved]
    gradients = f" with {' and '.join(by)}" if by else ""
    device = (
        f"the processor, and CUDA by CUDA.jl {present['CUDA']} and cuDNN {present['cuDNN']}"
        if {"CUDA", "cuDNN"} <= present.keys()
        else "the processor only: the project has no CUDA and cuDNN"
    )
    return f"{present['Flux']}{gradients}, on {device}"


def lacking(julia: Julia) -> str | None:
    """Say which packages of the built-in frameworks a Julia lacks, and how to add them; None if it lacks none.

    Raises JuliaUnavailable.
    """
    present = find.packages(julia)
    missing = [name for name in layers.all_packages() if name not in present]
    return f"the Julia project lacks {', '.join(missing)}; {find.mend(julia, missing)}" if missing else None
