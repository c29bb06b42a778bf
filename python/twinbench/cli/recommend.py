"""``twinbench recommend``: which stack to choose, and how sure that is."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinbench.cli import values
from twinbench.cli.console import console, print_json
from twinbench.errors import BadInput, TwinbenchError, nearest

if TYPE_CHECKING:
    from twinbench.results.decisions.recommend_records import Criterion

LANGUAGES = ("any", "julia", "python")


def recommend(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the start of it; the latest run if left out.")
    ] = None,
    modality: Annotated[str | None, typer.Option(help="Only this kind of data.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only this pipeline.")] = None,
    size: Annotated[str | None, typer.Option(help="This size; the largest one of the run if left out.")] = None,
    language: Annotated[str, typer.Option(help="python, julia or any: of all frameworks of a stack.")] = "any",
    require_agreement: Annotated[
        bool, typer.Option("--require-agreement", help="Every step must have been compared, too.")
    ] = False,
    min_quality: Annotated[
        float | None, typer.Option(help="In the pipeline's metric; of a loss, the most that will do.")
    ] = None,
    max_memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Peak memory, such as 2G.")] = None,
    max_cold_start: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until a first result, such as 5s.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="What counts how much: speed=0.5,quality=0.3,memory=0.1,cold=0.1.")
    ] = None,
    adr: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a decision record in Markdown.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Choose a stack: hard limits first, then a weighted ranking. "Undecided" is an answer.

    Example: twinbench recommend --modality tables --max-memory 1G --weights speed=0.7,cold=0.3
    """
    from twinbench.frameworks import registry
    from twinbench.paths import default_store
    from twinbench.results.decisions import recommend as choosing
    from twinbench.results.decisions.recommend_records import WEIGHTS, Wishes
    from twinbench.results.summary.run import plain, summarise
    from twinbench.store.store import Store
    from twinbench.views import adr as decision
    from twinbench.views import recommend as view

    if language not in LANGUAGES:
        raise BadInput(f"--language: '{language}' is none{nearest(language, LANGUAGES)}")
    wishes = Wishes(
        modality=modality,
        pipeline=pipeline,
        size=size,
        language=language,
        require_agreement=require_agreement,
        min_quality=min_quality,
        max_memory_bytes=values.size("--max-memory", max_memory) if max_memory else None,
        max_cold_start_s=values.seconds("--max-cold-start", max_cold_start) if max_cold_start else None,
        weights=_weights(weights) if weights else WEIGHTS,
    )
    languages = {name: framework.language for name, framework in registry.frameworks().items()}
    with Store.open(store or default_store(), create=False) as results:
        summary = summarise(results, results.find_run(run).id)
    found = choosing.recommend(summary, wishes, languages)
    if adr:
        _write(adr, decision.record(summary, found, shlex.join(["twinbench", *sys.argv[1:]])))
    if as_json:
        print_json([plain(one) for one in found])
    else:
        view.render(found, console())


def _weights(text: str) -> dict[Criterion, float]:
    """``speed=0.5,memory=0.5``: what isn't named counts for nothing. Raises BadInput."""
    from twinbench.results.decisions.recommend_records import WEIGHTS

    found: dict[Criterion, float] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        known = next((criterion for criterion in WEIGHTS if criterion == name.strip()), None)
        if known is None:
            raise BadInput(f"--weights: no criterion '{name.strip()}'{nearest(name, WEIGHTS)}")
        found[known] = values.positive("--weights", value)
    if not sum(found.values()):
        raise BadInput("--weights: at least one must be above 0")
    return found


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise TwinbenchError(f"{path}: can't be written: {error.strerror}") from error
    print(f"wrote {path}", file=sys.stderr)
