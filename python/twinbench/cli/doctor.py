"""``twinbench doctor``: what this machine has, what it lacks, and the command that mends it.

Nothing heavy is imported and Julia is not started: versions come from package metadata, and what only a live
library knows is asked of a short-lived process.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from typing import Annotated, Any

import typer

from twinbench.cli.console import console, print_facts, print_json, print_table

BLAS_PROBE = "import json, numpy, threadpoolctl; print(json.dumps(threadpoolctl.threadpool_info()))"
BLAS_TIMEOUT_S = 30

DEVELOPERS = "dev"
"""The extra that users don't need: listed, and not advised."""

Facts = dict[str, Any]
Versions = dict[str, str | None]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show what is installed, what is missing, and how to get it.

    The exit code is 0 also when something is missing: doctor informs, and --require of 'twinbench run' demands.

    Example: twinbench doctor
    """
    found = examine()
    if as_json:
        print_json(found)
    else:
        _show(found)


def examine() -> Facts:
    """Everything that doctor knows, as plain data. ``advice`` holds one line for each thing to mend or to know."""
    from twinbench import paths
    from twinbench.julia.status import status
    from twinbench.run import environment

    machine = environment.record(threads=1)
    required, extras = requirements()
    found: Facts = {
        "machine": machine,
        "blas": _blas(),
        "packages": required,
        "extras": extras,
        "julia": status(),
        "places": {
            "results": str(paths.default_store()),
            "cache": str(paths.cache_dir()),
            "configuration": str(paths.config_dir()),
        },
    }
    return found | {"advice": [*_advice(found), *environment.warnings(machine, [])]}


def requirements() -> tuple[Versions, dict[str, Versions]]:
    """What twinbench depends on, and what each extra adds, with the installed versions (None: not installed)."""
    required: Versions = {}
    extras: dict[str, Versions] = {}
    for line in importlib.metadata.requires("twinbench") or []:
        name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"]([^'\"]+)", line)
        place = extras.setdefault(extra[1], {}) if extra else required
        place[name] = _version(name)
    return required, extras


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _blas() -> list[Facts]:
    """The linear algebra and OpenMP libraries that NumPy loads, as a process of its own sees them."""
    command = [sys.executable, "-c", BLAS_PROBE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BLAS_TIMEOUT_S, check=True)
        pools: list[Facts] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return pools


def _advice(found: Facts) -> list[str]:
    julia = found["julia"]
    missing = [name for name, version in found["packages"].items() if version is None]
    advice = [f"missing: {', '.join(missing)}; pip install --force-reinstall twinbench"] if missing else []
    for extra, versions in found["extras"].items():
        absent = [name for name, version in versions.items() if version is None]
        if absent and extra != DEVELOPERS:
            advice.append(f"extra '{extra}' lacks {', '.join(absent)}; pip install 'twinbench[{extra}]'")
    if julia["problem"]:
        advice.append(f"Julia: {julia['problem']}; {julia['mend']}")
    return [*advice, *(f"Julia: {note}" for note in julia["notes"])]


def _show(found: Facts) -> None:
    from twinbench.cli.julia import rows as julia_rows

    out = console()
    print_facts(out, "Machine", _machine_rows(found["machine"], found["blas"]))
    print_table(out, "Frameworks", ("framework", "versions"), _framework_rows(found["machine"]["frameworks"]))
    packages = [(name, "always", version) for name, version in found["packages"].items()]
    packages += [(name, extra, v) for extra, versions in found["extras"].items() for name, v in versions.items()]
    print_table(out, "Packages", ("name", "needed", "installed"), packages)
    print_facts(out, "Julia", julia_rows(found["julia"]))
    print_facts(out, "Places", found["places"].items())
    print_facts(out, "To mend or to know", (("-", line) for line in found["advice"] or ["nothing"]))


def _machine_rows(machine: Facts, blas: list[Facts]) -> list[tuple[str, object]]:
    cpu, memory = machine["cpu"], machine["memory"]
    pools = [f"{p['internal_api']} {p['version'] or ''} ({p['num_threads']} threads unless told)" for p in blas]
    return [
        ("processor", f"{cpu['model']} ({cpu['architecture']}{', virtual' if cpu['hypervisor'] else ''})"),
        ("cores", f"{cpu['physical']} physical, {cpu['logical']} logical, {cpu['usable']:g} usable"),
        ("governor", cpu["governor"] or "none to read"),
        ("frequency", f"{cpu['frequency_mhz']:.0f} MHz" if cpu["frequency_mhz"] else None),
        ("load", " ".join(f"{load:.2f}" for load in machine["load"])),
        ("memory", f"{memory['available_bytes'] / 2**30:.1f} of {memory['total_bytes'] / 2**30:.1f} GiB available"),
        ("system", machine["os"]["description"]),
        ("container", machine["container"]),
        ("Python", f"{machine['python']['version']} ({sys.executable})"),
        ("twinbench", " ".join(filter(None, (machine["twinbench"]["version"], machine["twinbench"]["commit"])))),
        ("BLAS", "; ".join(pools) or "not found"),
    ]


def _framework_rows(frameworks: dict[str, Versions]) -> list[tuple[str, str]]:
    return [
        (name, ", ".join(f"{package} {version or 'not installed'}" for package, version in versions.items()))
        for name, versions in frameworks.items()
    ]
