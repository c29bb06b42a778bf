"""``twinbench doctor``: show what is installed, what is missing, and the commands that install it.

Nothing heavy is imported and Julia is not started: versions come from package metadata, and the thread pools of live
libraries from a short-lived process.
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
"""Name of the extra that users don't need: the command lists the extra and doesn't advise to install it."""

Facts = dict[str, Any]
Versions = dict[str, str | None]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show what is installed, what is missing, and how to install it.

    The exit code is 0 even if something is missing; to demand a framework, use --require of 'twinbench run'.

    Example: twinbench doctor
    """
    facts = examine()
    if as_json:
        print_json(facts)
    else:
        _show(facts)


def examine() -> Facts:
    """Collect everything that doctor shows, as JSON data. ``advice`` holds one line per problem or note."""
    from twinbench import paths
    from twinbench.julia.status import status
    from twinbench.run import environment

    machine = environment.record(threads=1)
    required, extras = requirements()
    facts: Facts = {
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
    return facts | {"advice": [*_advice(facts), *environment.warnings(machine, [])]}


def requirements() -> tuple[Versions, dict[str, Versions]]:
    """Return the versions of the required packages, and of each extra's packages; None if not installed.

    Both are empty where twinbench itself isn't installed, which declares them.
    """
    required: Versions = {}
    extras: dict[str, Versions] = {}
    for line in _declared() or []:
        name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"]([^'\"]+)", line)
        versions = extras.setdefault(extra[1], {}) if extra else required
        versions[name] = _version(name)
    return required, extras


def _declared() -> list[str] | None:
    """Return the requirements of the installed package; None for a checkout that isn't installed."""
    try:
        return importlib.metadata.requires("twinbench")
    except importlib.metadata.PackageNotFoundError:
        return None


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _blas() -> list[Facts]:
    """List the linear algebra and OpenMP libraries that NumPy loads, by asking a process of its own."""
    command = [sys.executable, "-P", "-c", BLAS_PROBE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BLAS_TIMEOUT_S, check=True)
        pools: list[Facts] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return pools


def _advice(facts: Facts) -> list[str]:
    julia = facts["julia"]
    missing = [name for name, version in facts["packages"].items() if version is None]
    advice = [f"missing: {', '.join(missing)}; pip install --force-reinstall twinbench"] if missing else []
    if not facts["packages"]:
        advice.append("this checkout of twinbench isn't installed, so its requirements are unknown; pip install -e .")
    for extra, versions in facts["extras"].items():
        absent = [name for name, version in versions.items() if version is None]
        if absent and extra != DEVELOPERS:
            advice.append(f"extra '{extra}' lacks {', '.join(absent)}; pip install 'twinbench[{extra}]'")
    if julia["problem"]:
        advice.append(f"Julia: {julia['problem']}; {julia['mend']}")
    return [*advice, *(f"Julia: {note}" for note in julia["notes"])]


def _show(facts: Facts) -> None:
    from twinbench.cli.julia import rows as julia_rows

    out = console()
    print_facts(out, "Machine", _machine_rows(facts["machine"], facts["blas"]))
    print_table(out, "Frameworks", ("framework", "versions"), _framework_rows(facts["machine"]["frameworks"]))
    packages = [(name, "always", version) for name, version in facts["packages"].items()]
    packages += [(name, extra, v) for extra, versions in facts["extras"].items() for name, v in versions.items()]
    print_table(out, "Packages", ("name", "needed", "installed"), packages)
    print_facts(out, "Julia", julia_rows(facts["julia"]))
    print_facts(out, "Places", facts["places"].items())
    print_facts(out, "To mend or to know", (("-", line) for line in facts["advice"] or ["nothing"]))


def _machine_rows(machine: Facts, blas: list[Facts]) -> list[tuple[str, object]]:
    cpu, memory = machine["cpu"], machine["memory"]
    pools = [f"{p['internal_api']} {p['version'] or ''} ({p['num_threads']} threads by default)" for p in blas]
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
