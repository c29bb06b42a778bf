"""Finding Julia: who names it, and what is said when it can't be had. Nothing here starts a Julia."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import stat
import sys
from pathlib import Path

import pytest

from twinbench import julia, ops, paths
from twinbench.errors import JuliaUnavailable
from twinbench.frameworks import julia as frameworks
from twinbench.frameworks.api import Deviation
from twinbench.ops.contract import Tolerance

JULIACALL = importlib.metadata.version("juliacall")


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in list(os.environ):
        if name.startswith(("PYTHON_JULIA", "JULIA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TWINBENCH_CONFIG_DIR", str(tmp_path / "config"))


def project(folder: Path, **versions: str | None) -> Path:
    """A project that resolved to these packages, with PythonCall unless told otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = {"PythonCall": JULIACALL} | versions
    entries = [
        f'[[deps.{name}]]\nuuid = "0"\nversion = "{version}"\n'
        for name, version in packages.items()
        if version is not None
    ]
    (folder / "Project.toml").write_text("[deps]\n")
    (folder / "Manifest.toml").write_text('julia_version = "1.10.8"\nmanifest_format = "2.0"\n\n' + "\n".join(entries))
    return folder


def program(file: Path, answer: str = "", code: int = 0) -> Path:
    """A stand-in for the julia executable, which prints ``answer``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stdout.write({answer!r})\nsys.stderr.write('boom')\nsys.exit({code})\n"
    )
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def all_packages() -> dict[str, str]:
    return {name: "1.0.0" for name in julia.all_packages() if name != "PythonCall"}


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Julia named by the environment; the project's folder."""
    monkeypatch.setenv(julia.EXE, str(program(tmp_path / "bin" / "julia")))
    folder = project(tmp_path / "project", **all_packages())
    monkeypatch.setenv(julia.PROJECT, str(folder))
    return folder


def test_no_julia_says_what_to_do():
    with pytest.raises(JuliaUnavailable, match="no Julia found; run 'twinbench julia setup', or 'twinbench julia use"):
        julia.find()


@pytest.mark.parametrize(("there", "absent"), [(julia.EXE, julia.PROJECT), (julia.PROJECT, julia.EXE)])
def test_half_of_the_two_variables_is_an_error(monkeypatch: pytest.MonkeyPatch, there: str, absent: str):
    monkeypatch.setenv(there, "/somewhere")
    with pytest.raises(JuliaUnavailable, match=f"{there} is set but {absent} is not"):
        julia.find()


def test_the_environment_names_a_julia(named: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JULIA_DEPOT_PATH", "/depot:")
    found = julia.find()
    assert (found.source, found.project, found.depot) == ("environment", str(named), "/depot:")


def test_an_executable_that_is_not_there(named: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(julia.EXE, "/nowhere/julia")
    with pytest.raises(JuliaUnavailable, match=r"PYTHON_JULIACALL_EXE.*no executable at /nowhere/julia"):
        julia.find()


def test_a_project_that_is_not_there(named: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(julia.PROJECT, "/nowhere")
    with pytest.raises(JuliaUnavailable, match=r"no Project\.toml in /nowhere"):
        julia.find()


@pytest.mark.parametrize(("version", "words"), [(None, "lacks PythonCall"), ("0.1.0", "has PythonCall 0.1.0")])
def test_a_pythoncall_of_another_version_is_named_with_the_command_that_mends_it(named: Path, version, words):
    project(named, PythonCall=version)
    with pytest.raises(JuliaUnavailable, match=rf"{words}, juliacall needs {JULIACALL}; run .*Pkg\.add"):
        julia.find()


def test_the_command_that_mends_can_be_pasted_wherever_julia_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    exe = program(tmp_path / "my julia" / "julia")
    folder = project(tmp_path / "my project", PythonCall=None)
    monkeypatch.setenv(julia.EXE, str(exe))
    monkeypatch.setenv(julia.PROJECT, str(folder))
    words = shlex.split(julia.status()["mend"])
    assert words[:4] == ["run", str(exe), f"--project={folder}", "-e"]
    assert words[4].startswith("import Pkg; Pkg.add(")
    assert len(words) == 5


def test_a_manifest_that_is_no_toml(named: Path):
    (named / "Manifest.toml").write_text("]")
    with pytest.raises(JuliaUnavailable, match=r"Manifest\.toml"):
        julia.find()


def test_versions_are_read_without_starting_julia(named: Path):
    project(named, CSV="0.10.16")
    assert julia.package_versions(["CSV", "Nope"]) == {"CSV": "0.10.16", "Nope": None}


def test_a_manifest_that_changed_is_read_again(named: Path):
    assert julia.package_versions(["Flux"]) == {"Flux": "1.0.0"}
    project(named, Flux="2.0.0")
    os.utime(named / "Manifest.toml", ns=(1, 1))
    assert julia.package_versions(["Flux"]) == {"Flux": "2.0.0"}


def test_status_lists_packages_and_what_is_missing(named: Path):
    project(named, **all_packages() | {"Flux": None})
    told = julia.status()
    assert told["version"] == "1.10.8"
    assert told["missing"] == ["Flux"]
    assert told["packages"]["CSV"] == "1.0.0"
    assert told["problem"] == "the Julia project lacks Flux"
    assert 'Pkg.add(["Flux"])' in told["mend"]


def test_status_of_a_whole_julia_has_no_problem(named: Path):
    told = julia.status()
    assert (told["problem"], told["mend"], told["missing"]) == (None, None, [])


def test_status_never_raises():
    assert julia.status()["problem"] == "no Julia found"
    assert "twinbench julia setup" in julia.status()["mend"]


def test_use_is_remembered(tmp_path: Path):
    exe = program(tmp_path / "bin" / "julia", "true\0/lib/libjulia.so\0/bin")
    folder = project(tmp_path / 'a "project"', **all_packages())
    julia.use(str(exe), str(folder), str(tmp_path / "depot"))
    found = julia.find()
    assert (found.source, found.exe, found.project) == ("config", str(exe), str(folder))
    assert found.depot == f"{tmp_path / 'depot'}{os.pathsep}"
    assert (found.lib, found.bindir) == ("/lib/libjulia.so", "/bin")


def test_the_environment_goes_before_the_configuration(named: Path, tmp_path: Path):
    exe = program(tmp_path / "other" / "julia", "true\0lib\0bin")
    julia.use(str(exe), str(project(tmp_path / "other", **all_packages())))
    assert julia.find().source == "environment"


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [("", 1, "does not start: boom"), ("false\0l\0b", 0, "too old"), ("what?", 0, "does not start")],
)
def test_a_julia_that_does_not_work_is_not_kept(tmp_path: Path, answer: str, code: int, words: str):
    exe = program(tmp_path / "julia", answer, code)
    with pytest.raises(JuliaUnavailable, match=words):
        julia.use(str(exe), str(project(tmp_path / "project", **all_packages())))
    assert not julia.config_file().exists()


def test_a_project_without_what_everything_needs_can_not_be_used(tmp_path: Path):
    exe = program(tmp_path / "julia", "true\0l\0b")
    folder = project(tmp_path / "project", **all_packages() | {"PrecompileTools": None})
    with pytest.raises(JuliaUnavailable, match="lacks PrecompileTools; run "):
        julia.use(str(exe), str(folder))
    assert not julia.config_file().exists()


@pytest.mark.parametrize("text", ["not toml", 'exe = "julia"', 'exe = "j"\nproject = "p"\ncolour = "red"'])
def test_a_broken_configuration_names_its_file(text: str):
    julia.config_file().parent.mkdir(parents=True)
    julia.config_file().write_text(text)
    with pytest.raises(JuliaUnavailable, match=r"julia\.toml: .*run 'twinbench julia use' again"):
        julia.find()


def test_what_juliapkg_resolved_is_found_without_asking_juliapkg(tmp_path: Path):
    folder = project(julia.provisioned_project(), **all_packages())
    exe = program(tmp_path / "julia")
    (folder / "pyjuliapkg").mkdir()
    meta = {"executable": str(exe), "libjulia": "/lib/libjulia.so", "bindir": "/bin"}
    (folder / "pyjuliapkg" / "meta.json").write_text(json.dumps(meta))
    found = julia.find()
    assert (found.source, found.exe, found.project, found.lib) == (
        "juliapkg",
        str(exe),
        str(folder),
        "/lib/libjulia.so",
    )


@pytest.mark.parametrize("text", ["", "{}", "not json"])
def test_a_provisioning_that_was_interrupted_is_none(text: str):
    folder = julia.provisioned_project() / "pyjuliapkg"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(text)
    with pytest.raises(JuliaUnavailable, match="no Julia found"):
        julia.find()


def test_a_worker_gets_what_juliacall_reads(named: Path):
    variables = julia.environment(julia.find(), 3)
    assert variables[julia.EXE] == os.environ[julia.EXE]
    assert variables[julia.PROJECT] == str(named)
    assert variables["PYTHON_JULIACALL_THREADS"] == variables["JULIA_NUM_THREADS"] == "3"
    assert variables["PYTHON_JULIACALL_HANDLE_SIGNALS"] == "yes"
    assert variables["JULIA_PKG_OFFLINE"] == "true"
    assert "JULIA_DEPOT_PATH" not in variables


def test_a_depot_that_cannot_be_written_gets_one_of_ours_in_front(
    monkeypatch: pytest.MonkeyPatch, named: Path, tmp_path: Path
):
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{tmp_path}:")
    found = julia.find()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere, whatever the mode
    ours = str(paths.cache_dir() / "julia-depot")
    assert julia.environment(found, 1)["JULIA_DEPOT_PATH"] == f"{ours}:{tmp_path}:"


def test_setup_without_a_network_fails_in_words_and_shows_progress(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))  # where juliapkg would find a Julia, and then ask it to download
    no_network = "import socket; socket.getaddrinfo = None\n"  # juliapkg's first download fails
    monkeypatch.setattr(julia, "PROVISION", no_network + julia.PROVISION)
    lines: list[str] = []
    with pytest.raises(JuliaUnavailable, match=r"could not be provisioned: .*; is the network there\?"):
        julia.setup(lines.append)
    assert any("juliapkg" in line for line in lines)
    assert not any("Traceback" in line for line in lines)


def test_setup_of_a_named_julia_downloads_nothing(monkeypatch: pytest.MonkeyPatch, named: Path):
    monkeypatch.setattr(julia, "PROVISION", "raise SystemExit('downloaded')")
    monkeypatch.setattr(julia, "WARM", "print('compiled')")
    lines: list[str] = []
    assert julia.setup(lines.append).source == "environment"
    assert lines[-1] == "compiled"


def test_setup_of_a_named_julia_without_what_everything_needs_says_so(named: Path):
    project(named, **all_packages() | {"PrecompileTools": None})
    with pytest.raises(JuliaUnavailable, match="lacks PrecompileTools; run "):
        julia.setup(lambda line: None)


def test_a_julia_without_some_packages_can_be_used_and_says_which(named: Path):
    assert julia.lacking(julia.find()) is None
    project(named, **all_packages() | {"Flux": None})
    found = julia.find()
    assert "lacks Flux; run " in (julia.lacking(found) or "")


def test_frameworks_are_listed_without_julia():
    found = {framework.name: framework for framework in frameworks.frameworks()}
    signals = {"DSP.jl", "SignalAnalysis.jl", "MFCC.jl"}
    assert {"DataFrames.jl", "Flux", "probe.jl", *signals} <= set(found)
    assert found["DataFrames.jl"].packages == ("DataFrames", "CSV")
    assert {op.name for op in ops.of_modality("training")} - set(found["Flux"].ops) == {
        "training.batches",
        "training.logistic",
    }
    assert found["probe.jl"].packages == ()
    assert "juliacall" not in sys.modules


def test_julia_holds_the_ops_in_the_order_of_the_contracts():
    found = {framework.name: framework for framework in frameworks.frameworks()}
    for name, modality in {"DataFrames.jl": "tables", "Flux": "training", "probe.jl": "probe"}.items():
        held = set(found[name].ops)
        assert list(found[name].ops) == [op.name for op in ops.of_modality(modality) if op.name in held]


def test_every_julia_op_knows_its_file():
    for framework in frameworks.frameworks():
        assert all(Path(op.source).is_file() for op in framework.ops.values())


def test_a_julia_file_without_its_facts_is_named(tmp_path: Path):
    file = tmp_path / "mine.jl"
    file.write_text('const NAME = "mine"\n')
    with pytest.raises(ValueError, match=r"mine\.jl: 'const PACKAGES = \.\.\.' is missing"):
        frameworks.read(file)


def test_notes_are_read_from_a_julia_file(tmp_path: Path):
    file = tmp_path / "mine.jl"
    facts = 'const NAME = "mine"\nconst PACKAGES = String[]\nconst SUMMARY = "s"\n\n'
    file.write_text(facts + 'const OPS = Dict("a.b" => b)\n\nconst NOTES = Dict("a.b" => "does less")\n')
    framework = frameworks.read(file)
    assert list(framework.ops) == ["a.b"]
    assert framework.notes == {"a.b": "does less"}
    assert framework.deviations == {}


def test_deviations_are_read_from_a_julia_file(tmp_path: Path):
    file = tmp_path / "mine.jl"
    facts = 'const NAME = "mine"\nconst PACKAGES = String[]\nconst SUMMARY = "s"\n\n'
    declared = """const DEVIATIONS = Dict(
        "a.b" => (reason = "rounds twice", levels = 2),
        "a.c" => (reason = "another border", rtol = 1.0e-3, atol = 5),
    )"""
    file.write_text(f'{facts}const OPS = Dict("a.b" => b, "a.c" => c)\n\n{declared}\n')
    assert frameworks.read(file).deviations == {
        "a.b": Deviation(reason="rounds twice", tolerance=Tolerance(levels=2)),
        "a.c": Deviation(reason="another border", tolerance=Tolerance(rtol=1e-3, atol=5.0)),
    }


def test_an_op_before_julia_runs_says_so():
    op = frameworks.frameworks()[0].ops["tables.sort"]
    with pytest.raises(JuliaUnavailable, match="not started"):
        op(None)
