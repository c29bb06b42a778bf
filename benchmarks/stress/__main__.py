"""``python -m benchmarks.stress [NAME...]``: print what holds under stress; exit code 1 if something doesn't."""

from __future__ import annotations

import sys
from importlib import import_module

from benchmarks.figures.figure import Figure

NAMES = ("wrong_workers", "kills")
"""Modules beside this one. Each has ``measure()``."""


def main(names: list[str]) -> int:
    """Measure the figures asked for, or all of them."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"{unknown[0]}: unknown; valid: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in names or NAMES:
        module = import_module(f"benchmarks.stress.{name}")
        print(f"\n{name}: {(module.__doc__ or '').partition(chr(10))[0]}", flush=True)
        for figure in module.measure():
            figures.append(figure)
            print(figure.line(), flush=True)
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
