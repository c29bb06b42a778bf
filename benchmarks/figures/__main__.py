"""``python -m benchmarks.figures [NAME...]``: print every figure with its target; exit code 1 if one is missed."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

from benchmarks.figures import figure


def main() -> int:
    """Measure the figures asked for, or all of them."""
    arguments = _parser().parse_args()
    if arguments.list:
        for name in (*figure.NAMES, *figure.STRESS):
            print(f"{name:<14} {figure.title(name)}")
        return 0
    print(f"Python {platform.python_version()} on {platform.platform()}")
    found = {name: _shown(name) for name in arguments.names or figure.NAMES}
    if arguments.json:
        record = {
            name: {"versions": figure.versions(name), "figures": [f.as_json() for f in figures]}
            for name, figures in found.items()
        }
        arguments.json.write_text(json.dumps(record, indent=2), encoding="utf-8")
    missed = [f.name for figures in found.values() for f in figures if not f.met]
    print(f"\nmissed: {'; '.join(missed)}" if missed else "\nall targets met")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=__doc__)
    names = ", ".join((*figure.NAMES, *figure.STRESS))
    parser.add_argument(
        "names", nargs="*", metavar="NAME", type=_name, help=f"{names}; default: all that time something"
    )
    parser.add_argument("--list", action="store_true", help="say what each of them is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write them to a file, too")
    return parser


def _name(text: str) -> str:
    if text not in (*figure.NAMES, *figure.STRESS):
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join((*figure.NAMES, *figure.STRESS))}")
    return text


def _shown(name: str) -> list[figure.Figure]:
    """Measure one, printing as it goes."""
    libraries = ", ".join(f"{library} {version}" for library, version in figure.versions(name).items())
    print(f"\n{name}: {figure.title(name)}\n  with {libraries}", flush=True)
    figures = []
    for one in figure.measure(name):
        figures.append(one)
        print(one.line(), flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
