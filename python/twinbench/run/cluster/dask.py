"""A run on the hosts of a Dask cluster: jobs out, progress and results back. The scheduler is Dask's own.

A Dask worker takes one job at a time by its resource ``twinbench``, and measures it by `twinbench.run.cluster.host`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import twinbench
from twinbench.data.own import OwnArrays, OwnTables
from twinbench.errors import BadInput, TwinbenchError, nearest
from twinbench.plan import pipeline
from twinbench.run.cluster import host
from twinbench.run.options import Options
from twinbench.run.request import Request, directories
from twinbench.store.merge import merge
from twinbench.store.store import Store

if TYPE_CHECKING:
    from distributed import Client, Future

RESOURCE = "twinbench"
"""Dask resource that a worker offers in order to take jobs."""

CONNECT_S = 5.0
"""Longest wait for the scheduler's answer, in seconds."""

TLS = "https://distributed.dask.org/en/stable/tls.html"

SCHEMES = ("tcp", "tls", "ws", "wss")
LOOK_S = 2.0
"""Seconds between two checks that a worker is left to wait for."""

STOP_S = 30.0
"""Seconds that an interrupted run waits for the results of its jobs so far."""

LOST = (
    "the connection to the scheduler was lost, or somebody cancelled the job; a host's results are in the file that its"
    " first line names: copy them into this store with `twinbench merge`"
)

Say = Callable[[str, str], None]
"""Function that shows a line of a host: it takes the host's name and the line."""


class JobFailed(TwinbenchError):
    """A job failed, or its host couldn't be reached."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Fetched:
    """Ids of the runs that were copied into the store, and the failed jobs."""

    runs: list[str]
    failures: list[JobFailed]


@contextlib.contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect a client to the scheduler at an address. Raises BadInput where no scheduler answers."""
    try:
        import dask.config

        dask.config.set(
            logging={"distributed": "critical", "distributed.client": "critical"}
        )  # twinbench reports errors itself
        import distributed
    except ImportError:
        raise BadInput("--executor dask: needs Dask; install it with: pip install 'twinbench[dask]'") from None
    scheme, separator, _ = address.rpartition("://")
    if separator and scheme not in SCHEMES:
        raise BadInput(f"--scheduler {address}: unknown scheme '{scheme}'{nearest(scheme, SCHEMES)}")
    try:
        client = distributed.Client(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise BadInput(f"--scheduler {address}: no Dask scheduler answers there: {why}; see `dask scheduler`") from None
    with client:
        yield client


def run(
    client: Client,
    request: Request,
    options: Options,
    store: Store,
    say: Say,
    *,
    each_host: bool = False,
) -> Fetched:
    """Measure each pipeline of a request on a host of the cluster, or on each host, and put the results into ``store``.

    Raises BadInput where no worker can take a job. After KeyboardInterrupt the results so far are fetched before the
    exception is raised again.
    """
    hosts = _hosts(client)
    for address in exposed(client.scheduler_info(n_workers=-1)):
        say(
            "warning",
            f"{address} listens beyond loopback without TLS: whoever reaches it can run code there; see {TLS}",
        )
    workers: list[str | None] = [*hosts] if each_host else [None]
    jobs = list(_jobs(request, options, len(workers)))
    return _Cluster(client, store, say).measure(jobs, workers)


def arguments(request: Request, options: Options) -> list[str]:
    """Return the arguments of `twinbench run` on a host, without the pipelines and their directories."""
    return [*replace(request, pipelines=(), directories=()).as_arguments(), *options.as_arguments()]


def _jobs(request: Request, options: Options, copies: int) -> Iterator[host.Job]:
    for name in request.pipelines:
        planned = pipeline.find(name, directories(request.directories))
        for _ in range(copies):
            yield host.Job(
                key=f"twinbench-{secrets.token_hex(8)}",
                pipeline=name,
                text=planned.path.read_text(encoding="utf-8"),
                file=str(planned.path.resolve()) if isinstance(planned.dataset, OwnTables | OwnArrays) else None,
                arguments=tuple(arguments(request, options)),
            )


def _workers(client: Client) -> dict[str, dict[str, Any]]:
    """Return what the scheduler reports of each worker that takes jobs, by address."""
    workers: dict[str, dict[str, Any]] = client.scheduler_info(n_workers=-1)["workers"]
    return {address: facts for address, facts in workers.items() if facts["resources"].get(RESOURCE, 0) >= 1}


def _hosts(client: Client) -> list[str]:
    """Return one worker per host. Raises BadInput where no worker takes jobs, or a version of twinbench differs."""
    workers = _workers(client)
    if not workers:
        raise BadInput(_no_worker(client))
    ours = twinbench.__version__
    for worker, version in client.run(host.version, workers=list(workers), on_error="return").items():
        if version != ours:
            has = f"twinbench {version}" if isinstance(version, str) else f"no twinbench ({version})"
            raise BadInput(f"{worker}: has {has}, and this is {ours}; install the same there, and restart the worker")
    return list({facts["host"]: worker for worker, facts in workers.items()}.values())


def _no_worker(client: Client) -> str:
    address = client.scheduler.address
    listen = "--host 127.0.0.1 " if exposed({"address": address, "workers": ()}) == [] else ""
    offer = f"--dashboard-address 127.0.0.1:0 --nworkers 1 --nthreads 1 --resources {RESOURCE}=1"
    start = f"dask worker {address} {listen}{offer}"
    return f"{address}: no worker offers the resource '{RESOURCE}'; start one on each host with: {start}"


def exposed(info: Mapping[str, Any]) -> list[str]:
    """Return the addresses of a scheduler and its workers that other machines reach without TLS.

    ``info``: what the scheduler reports of itself, with its ``address`` and its ``workers`` by address.
    """
    return [address for address in (info["address"], *info["workers"]) if not _is_safe(address)]


def _is_safe(address: str) -> bool:
    scheme, _, rest = address.rpartition("://")
    return scheme in ("tls", "wss", "inproc") or is_loopback(rest.rpartition(":")[0].strip("[]"))


def is_loopback(name: str) -> bool:
    """Return whether a host's name or address is this machine's own, which no other machine reaches."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _measure(job: host.Job) -> host.Outcome:
    """Measure a job on a Dask worker. Progress is sent as events, on a topic of the job's own."""
    from distributed import get_worker

    worker = get_worker()
    return host.measure(job, lambda name, line: worker.log_event(job.key, {"host": name, "line": line}))


class _Cluster:
    """The jobs of a run on a cluster, and their results so far."""

    def __init__(self, client: Client, store: Store, say: Say) -> None:
        self.client = client
        self.store = store
        self.say = say
        self.fetched = Fetched([], [])

    def measure(self, jobs: Sequence[host.Job], workers: Sequence[str | None]) -> Fetched:
        """Submit the jobs, one worker after the other, and collect the results. None is any worker."""
        for job in jobs:
            self.client.subscribe_topic(job.key, self._tell)
        futures = {
            self.client.submit(_measure, job, key=job.key, pure=False, resources={RESOURCE: 1}, workers=worker): job
            for job, worker in zip(jobs, _repeated(workers, len(jobs)), strict=True)
        }
        try:
            self._collect(futures, until=None)
        except KeyboardInterrupt:
            self._stop(futures)
            raise
        return self.fetched

    def _tell(self, event: tuple[float, dict[str, str]]) -> None:
        _, progress = event
        self.say(progress["host"], progress["line"])

    def _collect(self, futures: dict[Future, host.Job], until: float | None) -> None:
        """Put each result into the store as it arrives, and remove its job from ``futures``."""
        warned = False
        while futures and (until is None or time.monotonic() < until):
            done = [future for future in futures if future.done()]
            for future in done:
                self._keep(future, futures.pop(future))
            if not done:
                self._wait(futures)
            if futures and not warned and self.client.status == "running" and not _workers(self.client):
                warned = True
                self.say("waiting", _no_worker(self.client))

    @staticmethod
    def _wait(futures: Iterable[Future]) -> None:
        from distributed import wait

        with contextlib.suppress(TimeoutError, CancelledError):
            wait(list(futures), timeout=LOOK_S, return_when="FIRST_COMPLETED")

    def _keep(self, future: Future, job: host.Job) -> None:
        """Put a job's results into the store, and only then delete them on the host."""
        if future.status != "finished":
            why = LOST if future.status == "cancelled" else str(future.exception()).partition("\n")[0]
            self.fetched.failures.append(JobFailed(f"{job.pipeline}: {why}", 1))
            return
        outcome: host.Outcome = future.result()
        if outcome.error:
            message = f"{job.pipeline} on {outcome.host}: {outcome.error}"
            self.fetched.failures.append(JobFailed(message, outcome.code))
        if outcome.store:
            with tempfile.NamedTemporaryFile(suffix=".db") as file:
                file.write(outcome.store)
                file.flush()
                self.fetched.runs.extend(merge(Path(file.name), self.store, outcome.host).copied)
        (worker,) = self.client.who_has([future]).values()
        self.client.run(host.forget, outcome.directory, workers=list(worker), on_error="ignore")

    def _stop(self, futures: dict[Future, host.Job]) -> None:
        """Cancel the jobs that haven't begun, end the others as by Ctrl-C, and fetch their results so far."""
        for job in futures.values():
            self.client.run(host.stop, job.key, workers=list(_workers(self.client)), on_error="ignore")
        processing = {key for keys in self.client.processing().values() for key in keys}
        for future in [f for f in futures if f.key not in processing and not f.done()]:
            future.cancel()
            del futures[future]
        self._collect(futures, until=time.monotonic() + STOP_S)


def _repeated(workers: Sequence[str | None], count: int) -> Iterator[str | None]:
    for number in range(count):
        yield workers[number % len(workers)]
