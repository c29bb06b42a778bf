"""What is written for a container engine or a cloud is complete, is what they ask for, and serves the run's answers."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.handover.conftest import START_S, TOLERANCE, Made
from tests.printed import check
from tests.results.make_store import RUN, make_store
from twinbench import paths
from twinbench.handover.deploy import write
from twinbench.results.models.kept import Model

TARGETS = ("docker", "aws", "azure", "google")
ROUTES = {"/ping": "GET", "/invocations": "POST"}
NAME = "network-scipy-torch"


@pytest.fixture(scope="module")
def model(made: Made) -> Model:
    return made("torch")


@pytest.fixture(scope="module")
def contexts(model: Model, twin: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By target what the command wrote for the stack with torch."""
    places = {target: tmp_path_factory.mktemp("deploy") / target for target in TARGETS}

    def deployed(target: str) -> None:
        done = twin("deploy", model.cell.run_id, "--stack", "scipy+torch", "--to", target, "-o", str(places[target]))
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith((places[target] / "commands.txt").read_text())

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deployed, TARGETS))
    return places


def deployed(twin: Any, model: Model, place: Path, *arguments: str) -> Path:
    done = twin("deploy", model.cell.run_id, "--stack", model.cell.stack, "-o", str(place), "--json", *arguments)
    assert done.returncode == 0, done.stderr
    check("deploy", done.stdout)
    return place


def lines(place: Path) -> list[str]:
    """Of a Dockerfile, those that are continued put together."""
    return (place / "Dockerfile").read_text().replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("target", TARGETS)
def test_a_context_is_complete_and_its_image_is_what_every_target_runs(target: str, contexts: dict[str, Path]):
    place = contexts[target]
    copied = [word for line in lines(place) if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert {name for name in copied if not name.startswith(("-", "/"))} == {
        *("requirements.txt", "constraints.txt", "serve.py", "model"),
    }
    kept = (place / ".dockerignore").read_text().split()
    assert kept[0] == "*"
    assert {f"!{name}" for name in copied if (place / name).exists()} <= set(kept)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert [line for line in lines(place) if line.startswith("FROM ")] == [
        f"FROM python:{version}-slim AS packages",
        f"FROM python:{version}-slim",
    ]
    assert 'ENTRYPOINT ["python", "serve.py"]' in lines(place)
    assert {"EXPOSE 8080", "ENV HOST=0.0.0.0"} <= set(lines(place))
    assert any(line.startswith("HEALTHCHECK ") and line.endswith('"ping"]') for line in lines(place))
    assert ("USER model" in lines(place)) == (target != "aws"), "SageMaker asks for root"
    assert (place / "model" / "MLmodel").is_file()


@pytest.mark.parametrize("target", TARGETS)
def test_everything_that_is_installed_is_pinned(target: str, contexts: dict[str, Path]):
    requirements = (contexts[target] / "requirements.txt").read_text().split()
    constraints = (contexts[target] / "constraints.txt").read_text().split()
    assert {line.partition("==")[0] for line in requirements} == {"mlflow", "torch", "numpy"}
    assert set(requirements) <= set(constraints)
    assert {"fastapi", "uvicorn", "pandas", "sympy"} <= {line.partition("==")[0].lower() for line in constraints}
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in constraints)


def test_the_manifests_name_the_port_and_the_routes(contexts: dict[str, Path]):
    compose = yaml.safe_load((contexts["docker"] / "compose.yaml").read_text())
    assert compose["services"][NAME]["ports"] == ["127.0.0.1:8080:8080"]
    deployment = yaml.safe_load((contexts["azure"] / "deployment.yml").read_text())
    routes = deployment["environment"]["inference_config"]
    assert routes.keys() == {"liveness_route", "readiness_route", "scoring_route"}
    assert {route["port"] for route in routes.values()} == {8080}
    assert routes["liveness_route"]["path"] == routes["readiness_route"]["path"] == "/ping"
    assert routes["scoring_route"]["path"] == "/invocations"
    endpoint = yaml.safe_load((contexts["azure"] / "endpoint.yml").read_text())
    assert endpoint["name"] == deployment["endpoint_name"] == NAME
    service = yaml.safe_load((contexts["google"] / "service.yaml").read_text())
    (container,) = service["spec"]["template"]["spec"]["containers"]
    probe = container["startupProbe"]
    assert container["ports"] == [{"containerPort": 8080}]
    assert probe["httpGet"] == {"path": "/ping", "port": 8080}
    assert probe["periodSeconds"] * probe["failureThreshold"] <= 240, "Cloud Run takes no more"
    model, config, created = (
        json.loads((contexts["aws"] / f"{name}.json").read_text()) for name in ("model", "endpoint-config", "endpoint")
    )
    (variant,) = config["ProductionVariants"]
    assert variant["ModelName"] == model["ModelName"] == NAME
    assert created["EndpointConfigName"] == config["EndpointConfigName"]
    vertex = (contexts["google"] / "commands.txt").read_text()
    assert "--container-health-route=/ping --container-predict-route=/invocations" in vertex
    images = {deployment["environment"]["image"], container["image"], model["PrimaryContainer"]["Image"]}
    assert all(image.split("/")[-1].startswith(f"{NAME}:") for image in images)


def test_a_container_gets_no_more_than_it_needs(contexts: dict[str, Path]):
    compose = yaml.safe_load((contexts["docker"] / "compose.yaml").read_text())
    service = compose["services"][NAME]
    assert (service["read_only"], service["tmpfs"]) == (True, ["/tmp"])
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert (service["mem_limit"], service["memswap_limit"], service["cpus"]) == ("2g", "2g", 1.0)
    assert 0 < service["pids_limit"] < 1000
    assert json.loads((contexts["aws"] / "model.json").read_text())["EnableNetworkIsolation"] is True
    run = yaml.safe_load((contexts["google"] / "service.yaml").read_text())
    assert run["spec"]["template"]["spec"]["serviceAccountName"] == "ACCOUNT"
    vertex = (contexts["google"] / "commands.txt").read_text()
    assert "--machine-type n1-standard-2 --service-account ACCOUNT" in vertex


INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


@pytest.mark.parametrize("target", TARGETS)
def test_an_index_and_its_password_are_secrets_of_the_build(target: str, contexts: dict[str, Path], tmp_path: Path):
    written = [line for line in lines(contexts[target]) if not line.startswith("#")]
    assert not [line for line in written if line.startswith(("ARG", "ENV")) and "PIP_" in line]
    (install,) = (line for line in written if "-r requirements.txt" in line)
    assert [word for word in install.split() if word.startswith("--mount")] == [
        f"--mount=type=secret,id={name}" for name in INDEXES
    ]
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / INDEXES[0]).write_text("https://me:c4n4ry@host/simple\n")
    (secrets / INDEXES[1]).touch()  # of a variable that isn't set
    shell = "for " + install.partition("for ")[2].replace("/run/secrets", str(secrets))
    shell = f'pip() {{ echo "$PIP_INDEX_URL ${{PIP_EXTRA_INDEX_URL-unset}}"; }}\n{shell}'
    environment = {name: value for name, value in os.environ.items() if name not in INDEXES}
    done = subprocess.run(["sh", "-euc", shell], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "https://me:c4n4ry@host/simple unset\n"
    if target == "docker":
        compose = yaml.safe_load((contexts[target] / "compose.yaml").read_text())
        assert compose["services"][NAME]["build"]["secrets"] == list(INDEXES)
        assert compose["secrets"] == {name: {"environment": name} for name in INDEXES}
    else:
        commands = (contexts[target] / "commands.txt").read_text()
        assert all(f"--secret id={name},env={name}" in commands for name in INDEXES)


def test_the_base_can_be_named_by_its_digest(twin: Any, model: Model, tmp_path: Path):
    base = f"registry.example.com:5000/python:3.11-slim@sha256:{'0a' * 32}"
    directory = deployed(twin, model, tmp_path / "d", "--to", "docker", "--base", base)
    assert [line for line in lines(directory) if line.startswith("FROM ")] == [
        f"FROM {base} AS packages",
        f"FROM {base}",
    ]


def test_nothing_in_a_context_tells_of_this_machine(contexts: dict[str, Path], model: Model, home: Path):
    told = {str(home), str(Path.home()), sys.prefix, sys.base_prefix, str(paths.PACKAGE), os.getcwd(), "twinbench-"}
    told -= {"/usr", "/usr/local", "/"}  # which is in every image
    for file in (file for file in contexts["docker"].rglob("*") if file.is_file()):
        if file.name != "commands.txt":  # which says where the context is
            assert not [text for text in told if text.encode() in file.read_bytes()], file


@pytest.fixture(scope="module")
def address(contexts: dict[str, Path]) -> Iterator[str]:
    """What the image of the context runs, run here: its directory, its command, and SageMaker's argument."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = contexts["docker"]
    environment = os.environ | {"PORT": str(port), "MLFLOW_DISABLE_TELEMETRY": "true"}
    for name in ("AIP_HTTP_PORT", "HOST"):
        environment.pop(name, None)  # without the image it is loopback
    command = [sys.executable, "serve.py"]
    with subprocess.Popen([*command, "serve"], cwd=place, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + START_S
            while subprocess.run([*command, "ping"], cwd=place, env=environment, stderr=subprocess.DEVNULL).returncode:
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
            server.terminate()
            assert server.wait(30) in (0, -15), "it ends when it is told to"
        finally:
            server.kill()


def test_the_server_of_the_image_gives_the_answers_beside_it(address: str, contexts: dict[str, Path], model: Model):
    body = (contexts["docker"] / "rows.json").read_bytes()
    expected = json.loads((contexts["docker"] / "expected.json").read_text())["predictions"]
    np.testing.assert_allclose(expected, model.scores[: len(model.example)], rtol=1e-7)
    asked = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=START_S) as answer:
        np.testing.assert_allclose(json.load(answer)["predictions"], expected, **TOLERANCE)


def test_a_deployed_model_is_measured_by_the_command_that_is_printed(
    address: str, contexts: dict[str, Path], twin: Any
):
    (command,) = (
        line for line in (contexts["docker"] / "commands.txt").read_text().splitlines() if line.startswith("twinbench ")
    )
    _, *arguments = command.replace("http://127.0.0.1:8080", address).split()
    done = twin(*arguments, "--budget", "1", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["agrees"]
    assert found["latency"]["p50_s"] > found["latency"]["ping_s"] > 0
    assert found["latency"]["connections"] == 1
    assert found["throughput"]["rows_per_s"] > 0
    assert (found["ready_s"], found["peak_rss_bytes"]) == (None, None), "the server was there already"


def test_a_model_that_only_twinbench_loads_brings_it_along(made: Made, twin: Any, tmp_path: Path):
    place = deployed(twin, made("Flux"), tmp_path / "flux", "--to", "google")
    requirements = {line.partition("==")[0] for line in (place / "requirements.txt").read_text().split()}
    assert requirements >= {"mlflow", "juliacall"}
    assert not requirements & {"twinbench", "torch"}
    (wheel,) = place.glob("twinbench-*.whl")
    dockerfile = lines(place)
    assert f"COPY {wheel.name} ./" in dockerfile
    assert any("JULIA_DEPOT_PATH=" in line for line in dockerfile)
    assert dockerfile.index("USER model") < dockerfile.index("RUN twinbench julia setup")
    install = ["install", "--quiet", "--no-index", "--no-deps", "--target", str(tmp_path / "site"), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, timeout=120)
    script = "from twinbench import paths; print(paths.PACKAGE, paths.resource('julia'))"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    package, julia = map(Path, done.stdout.split())
    assert package == tmp_path / "site" / "twinbench"
    assert (julia / "src" / "TwinBench.jl").is_file()
    assert (package / "juliapkg.json").is_file()
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    assert not [name for name in names if "__pycache__" in name or "Manifest" in name]


def test_what_serving_takes_of_twinbench_is_all_that_it_imports():
    """The others may be missing in the image."""
    script = """
import importlib.metadata as metadata, sys
from twinbench.handover.deploy import requirements
import twinbench.handover.flavours.served, twinbench.cli.main, twinbench.cli.julia, twinbench.cli.env
from twinbench.frameworks import registry
registry.get("Flux"), registry.get("MXNet")
owners = metadata.packages_distributions()
found = {name for module in list(sys.modules) for name in owners.get(module.partition(".")[0], ())}
allowed = {line.partition("==")[0] for line in requirements.constraints(list(requirements.SERVING))}
print(*sorted(found - allowed - {"twinbench", "packaging", "setuptools", "pip"}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("pipeline", "stack", "name"),
    [
        ("flights-delay", "DataFrames.jl+Flux", "flights-delay-dataframes-jl-flux"),
        ("worst routes: 2", "pyAudioAnalysis+SciPy+torch", "worst-routes-2-pyaudioanalysis-s"),
        ("2d", "torch", "m-2d-torch"),
    ],
)
def test_a_name_is_one_that_every_target_takes(model: Model, pipeline: str, stack: str, name: str):
    renamed = replace(model, cell=replace(model.cell, pipeline=pipeline, stack=stack))
    assert write.name_of(renamed) == name
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,30}[a-z0-9]", name)


@pytest.fixture
def stored(tmp_path: Path) -> str:
    make_store(tmp_path / "r.db")
    return str(tmp_path / "r.db")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--stack", "pandas+torhc", "--to", "docker"), 2, "has no stack 'pandas+torhc'; did you mean 'pandas+torch'?"),
        (
            ("--stack", "DuckDB+torch", "--to", "aws"),
            1,
            "DuckDB+torch is not deployed: it disagrees with the reference",
        ),
        (("--stack", "pandas+Flux", "--to", "aws"), 1, "pandas+Flux is not deployed: it is failed"),
        (("--stack", "pandas+torch", "--to", "azure"), 1, "stored no trained model of this stack"),
        (("--stack", "pandas+torch", "--to", "azrue"), 2, "--to: unknown target 'azrue'; did you mean 'azure'?"),
    ],
)
def test_what_should_not_be_deployed_is_refused_in_one_line(twin: Any, stored: str, arguments, code: int, said: str):
    done = twin("deploy", RUN, *arguments, "--store", stored)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("twinbench: error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--image", "a b"), "--image: 'a b' is not a valid image name"),
        (("--image", "x\n  privileged: true"), "is not a valid image name"),
        (("--base", "python@sha256:12"), "--base: 'python@sha256:12' is not a valid image name"),
        (("--base", "x\nRUN evil"), "is not a valid image name"),
        (("-o", "."), "exists, and is not an empty directory"),
    ],
)
def test_what_can_not_be_written_is_refused_in_one_line(twin: Any, model: Model, arguments, said: str):
    done = twin("deploy", model.cell.run_id, "--stack", model.cell.stack, "--to", "docker", *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr
