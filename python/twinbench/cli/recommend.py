"""``twinbench recommend``: choose a stack, with the certainty of the choice."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinbench.cli import values
from twinbench.cli.console import console, print_json
from twinbench.cli.options import AsJson, RunId, StoreFile
from twinbench.errors import BadInput, TwinbenchError, nearest

if TYPE_CHECKING:
    from twinbench.results.decisions.recommend_records import Criterion

LANGUAGES = ("any", "julia", "python")


def recommend(
    run: RunId = None,
    modality: Annotated[str | None, typer.Option(help="Only this modality, such as tables.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only this pipeline.")] = None,
    size: Annotated[str | None, typer.Option(help="Only this size; the run's largest if left out.")] = None,
    language: Annotated[
        str, typer.Option(help="python, julia or any: the language of every framework of the stack.")
    ] = "any",
    require_agreement: Annotated[
        bool,
        typer.Option(
            "--require-agreement", help="Allow only stacks whose every step was checked against the reference."
        ),
    ] = False,
    min_quality: Annotated[
        float | None, typer.Option(help="Worst quality allowed, in the pipeline's metric; for a loss, the highest.")
    ] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Highest peak memory allowed, such as 2G.")
    ] = None,
    max_cold_start: Annotated[
        str | None, typer.Option(metavar="TIME", help="Longest time allowed to a first result, such as 5s.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weight of each criterion: speed=0.5,quality=0.3,memory=0.1,cold=0.1.")
    ] = None,
    adr: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a decision record in Markdown.")] = None,
    as_json: AsJson = False,
    store: StoreFile = None,
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
        raise BadInput(f"--language: unknown language '{language}'{nearest(language, LANGUAGES)}")
    wishes = Wishes(
        modality=modality,
        pipeline=pipeline,
        size=size,
        language=language,
        require_agreement=require_agreement,
        min_quality=values.finite("--min-quality", min_quality),
        max_memory_bytes=values.size("--max-memory", max_memory) if max_memory else None,
        max_cold_start_s=values.seconds("--max-cold-start", max_cold_start) if max_cold_start else None,
        weights=_weights(weights) if weights else WEIGHTS,
    )
    languages = {name: framework.language for name, framework in registry.frameworks().items()}
    with Store.open_to_read(store or default_store()) as results:
        summary = summarise(results, results.find_run(run).id)
    recommendations = choosing.recommend(summary, wishes, languages)
    if adr:
        _write(adr, decision.record(summary, recommendations, shlex.join(["twinbench", *sys.argv[1:]])))
    if as_json:
        print_json([plain(recommendation) for recommendation in recommendations])
    else:
        view.render(recommendations, console())


def _weights(text: str) -> dict[Criterion, float]:
    """Parse ``speed=0.5,memory=0.5``: a criterion that isn't named has no weight. Raises BadInput."""
    from twinbench.results.decisions.recommend_records import WEIGHTS

    parsed: dict[Criterion, float] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        criterion = next((criterion for criterion in WEIGHTS if criterion == name.strip()), None)
        if criterion is None:
            raise BadInput(f"--weights: no criterion '{name.strip()}'{nearest(name, WEIGHTS)}")
        parsed[criterion] = values.positive("--weights", value)
    if not sum(parsed.values()):
        raise BadInput("--weights: at least one must be above 0")
    return parsed


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise TwinbenchError(f"{path}: can't be written: {error.strerror}") from error
    print(f"wrote {path}", file=sys.stderr)
