"""Sending to a tracker in a process of its own, which is killed at its deadline, whatever the server does.

The process tells line by line what it has sent, so that what is missing has a name. Its job comes through its standard
input: an address may hold a password, and other users can read a command line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from twinbench.errors import TwinbenchError
from twinbench.foreign import redacted
from twinbench.store.records import MODEL
from twinbench.store.store import Store
from twinbench.trackers.tracking import TrackingError

NAMED = 5
"""Most cells that are named one by one where they weren't sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A run to send, and where to."""

    tracker: str
    """``mlflow`` or ``comet``."""
    store: str
    """Path of the store."""
    run: str
    tracking_uri: str | None = None
    with_models: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A model to register in MLflow, with the run that it is from."""

    store: str
    """Path of the store."""
    run: str
    cell: int
    """Id of the cell whose model it is."""
    name: str | None
    """Name in the registry; None for the pipeline's."""
    alias: str
    tracking_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """A result of monitoring to log in MLflow, as plain data of `mlflow_monitoring.Record`."""

    record: Mapping[str, Any]
    tracking_uri: str | None = None


Job = Sending | Promotion | Monitoring


@dataclass(slots=True)
class Progress:
    """What the process has told so far."""

    what: str = "run"
    """What is sent, in one word."""
    cells: list[str] = field(default_factory=list)
    """Names of the cells that are to be sent."""
    sent: list[str] = field(default_factory=list)
    summary: str = ""
    """A line about the run, once it is sent without its models."""
    kept: int = 0
    """Number of the models that are to be sent."""
    models: int | None = None
    """Number of the models that were sent, once they are."""
    promoted: dict[str, Any] = field(default_factory=dict)
    """The version of the model in the registry, as `promote.Promoted` says it, once there is one."""
    error: str = ""

    def hear(self, line: bytes) -> None:
        """Take in one line of the process."""
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            for name, value in json.loads(line).items():
                getattr(self, name).append(value) if name == "sent" else setattr(self, name, value)

    def missing(self) -> str:
        """Say in words what was not sent."""
        if self.summary and self.models:
            return f"the {self.what} was sent with its model, which is not registered"
        if self.summary:
            models = f", its {self.kept} model(s) were not" if self.kept else ""
            return f"the {self.what} was sent{models}"
        missing = [cell for cell in self.cells if cell not in self.sent]
        if not self.cells or not missing:
            return f"the {self.what} was not sent completely"
        others = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        return f"{len(missing)} of {len(self.cells)} cells were not sent: {', '.join(missing[:NAMED])}{others}"


def send(job: Job, timeout_s: float) -> Progress:
    """Send a run, a model or a result, and say what was sent.

    Raises TrackingError, which names what wasn't sent, also at the deadline.
    """
    deadline = time.monotonic() + timeout_s
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "twinbench.handover.tracking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            start_new_session=True,
        )
        progress = Progress("result" if isinstance(job, Monitoring) else "run")
        assert process.stdin is not None
        assert process.stdout is not None
        hearing = threading.Thread(target=_hear, args=(process.stdout, progress), daemon=True)
        try:
            hearing.start()
            with contextlib.suppress(BrokenPipeError), process.stdin as jobs:
                jobs.write(json.dumps({"job": type(job).__name__} | asdict(job)).encode())
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TrackingError(f"not done within {timeout_s:.3g} s (--track-timeout); {progress.missing()}") from None
        finally:
            _end(process)
            hearing.join(1)
            process.stdout.close()
        if code and not progress.error:
            messages.seek(0)
            lines = messages.read()[-10_000:].decode(errors="replace").strip().splitlines()
            progress.error = f"its process ended with {code}: {lines[-1] if lines else 'no reason given'}"
    if progress.error:
        raise TrackingError(f"{progress.error}; {progress.missing()}" if progress.sent else progress.error)
    return progress


def _hear(lines: IO[bytes], progress: Progress) -> None:
    with contextlib.suppress(ValueError, OSError):  # closed at the deadline
        for line in lines:
            progress.hear(line)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it started, which are a group of their own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> int:
    """Do the job that is on standard input, and tell the progress on standard output."""
    told = os.fdopen(os.dup(1), "w")  # libraries print, too
    os.dup2(2, 1)

    def tell(**facts: Any) -> None:
        print(json.dumps(facts), file=told, flush=True)

    try:
        job = json.load(sys.stdin)
        JOBS[job.pop("job")](job, tell)
    except TwinbenchError as error:
        tell(error=str(error))
        return 1
    except Exception as error:  # whatever a tracker's library raises
        tell(error=redacted(f"{type(error).__name__}: {' '.join(str(error).split())}")[:1000])
        return 1
    return 0


def _send(job: dict[str, Any], tell: Callable[..., None]) -> None:
    from twinbench.trackers.tracking import RunForTrackers

    sending = Sending(**job)
    with Store.open_to_read(Path(sending.store)) as store:
        source = RunForTrackers(store, sending.run)
        tell(cells=[cell.cell for _, sizes in source.pipelines() for cell in source.each(sizes)])
        if sending.tracker == "comet":
            from twinbench.trackers import comet

            tell(summary=str(comet.send(store, sending.run, lambda name: tell(sent=name))))
            return
        from twinbench.trackers import mlflow

        if sending.with_models:
            cells = store.cells(sending.run)
            tell(kept=sum(f.key == MODEL and "own" not in f.value for cell in cells for f in store.facts(cell.id)))

        sent = mlflow.send(store, sending.run, sending.tracking_uri, lambda name: tell(sent=name))
        tell(summary=str(sent))
        if sending.with_models:
            from twinbench.handover import models

            tell(models=len(models.log(store, sending.run, sent)))


def _promote(job: dict[str, Any], tell: Callable[..., None]) -> None:
    from twinbench.handover import promote
    from twinbench.trackers.tracking import RunForTrackers

    promotion = Promotion(**job)
    with Store.open_to_read(Path(promotion.store)) as store:
        source = RunForTrackers(store, promotion.run)
        tell(cells=[cell.cell for _, sizes in source.pipelines() for cell in source.each(sizes)], kept=1)
        (cell,) = (cell for cell in store.cells(promotion.run) if cell.id == promotion.cell)
        uri = promotion.tracking_uri
        promoted = promote.promote(store, cell, name=promotion.name, alias=promotion.alias, uri=uri, tell=tell)
        tell(promoted=asdict(promoted))


def _monitoring(job: dict[str, Any], tell: Callable[..., None]) -> None:
    from twinbench.trackers import mlflow_monitoring

    monitoring = Monitoring(**job)
    tell(summary=str(mlflow_monitoring.send(mlflow_monitoring.Record(**monitoring.record), monitoring.tracking_uri)))


JOBS: Mapping[str, Callable[[dict[str, Any], Callable[..., None]], None]] = {
    "Sending": _send,
    "Promotion": _promote,
    "Monitoring": _monitoring,
}
"""How the process does a job, by the name of the job's class."""


if __name__ == "__main__":
    sys.exit(main())
