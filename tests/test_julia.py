"""Finding Julia: who names it, and what is said when it can't be had. Nothing here starts a Julia."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from tests.julia_stand_ins import JULIACALL, all_packages, none_named, program, project
from twinbench import paths
from twinbench.errors import JuliaUnavailable
from twinbench.julia import find, start, status, use


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    none_named(monkeypatch, tmp_path)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Julia named by the environment; the project's folder."""
    monkeypatch.setenv(find.EXE, str(program(tmp_path / "bin" / "julia")))
    folder = project(tmp_path / "project", **all_packages())
    monkeypatch.setenv(find.PROJECT, str(folder))
    return folder


def test_no_julia_says_what_to_do():
    with pytest.raises(JuliaUnavailable, match="no Julia found; run 'twinbench julia setup', or 'twinbench julia use"):
        find.find()


@pytest.mark.parametrize(("there", "absent"), [(find.EXE, find.PROJECT), (find.PROJECT, find.EXE)])
def test_half_of_the_two_variables_is_an_error(monkeypatch: pytest.MonkeyPatch, there: str, absent: str):
    monkeypatch.setenv(there, "/somewhere")
    with pytest.raises(JuliaUnavailable, match=f"{there} is set but {absent} is not"):
        find.find()


def test_the_environment_names_a_julia(named: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JULIA_DEPOT_PATH", "/depot:")
    chosen = find.find()
    assert (chosen.source, chosen.project, chosen.depot) == ("environment", str(named), "/depot:")


def test_an_executable_that_is_not_there(named: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(find.EXE, "/nowhere/julia")
    with pytest.raises(JuliaUnavailable, match=r"PYTHON_JULIACALL_EXE.*no executable at /nowhere/julia"):
        find.find()


def test_a_project_that_is_not_there(named: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(find.PROJECT, "/nowhere")
    with pytest.raises(JuliaUnavailable, match=r"no Project\.toml in /nowhere"):
        find.find()


@pytest.mark.parametrize(("version", "words"), [(None, "lacks PythonCall"), ("0.1.0", "has PythonCall 0.1.0")])
def test_a_pythoncall_of_another_version_is_named_with_the_command_that_mends_it(named: Path, version, words):
    project(named, PythonCall=version)
    with pytest.raises(JuliaUnavailable, match=rf"{words}, juliacall needs {JULIACALL}; run .*Pkg\.add"):
        find.find()


def test_the_command_that_mends_can_be_pasted_wherever_julia_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    exe = program(tmp_path / "my julia" / "julia")
    folder = project(tmp_path / "my project", PythonCall=None)
    monkeypatch.setenv(find.EXE, str(exe))
    monkeypatch.setenv(find.PROJECT, str(folder))
    words = shlex.split(status.status()["mend"])
    assert words[:4] == ["run", str(exe), f"--project={folder}", "-e"]
    assert words[4].startswith("import Pkg; Pkg.add(")
    assert len(words) == 5


def test_a_manifest_that_is_no_toml(named: Path):
    (named / "Manifest.toml").write_text("]")
    with pytest.raises(JuliaUnavailable, match=r"Manifest\.toml"):
        find.find()


def test_versions_are_read_without_starting_julia(named: Path):
    project(named, CSV="0.10.16")
    assert find.package_versions(["CSV", "Nope"]) == {"CSV": "0.10.16", "Nope": None}


def test_a_manifest_that_changed_is_read_again(named: Path):
    assert find.package_versions(["Flux"]) == {"Flux": "1.0.0"}
    project(named, Flux="2.0.0")
    os.utime(named / "Manifest.toml", ns=(1, 1))
    assert find.package_versions(["Flux"]) == {"Flux": "2.0.0"}


def test_status_lists_packages_and_what_is_missing(named: Path):
    project(named, **all_packages() | {"Flux": None})
    facts = status.status()
    assert facts["version"] == "1.10.8"
    assert facts["missing"] == ["Flux"]
    assert facts["packages"]["CSV"] == "1.0.0"
    assert facts["problem"] == "the Julia project lacks Flux"
    assert 'Pkg.add(["Flux"])' in facts["mend"]


def test_status_of_a_whole_julia_has_no_problem(named: Path):
    facts = status.status()
    assert (facts["problem"], facts["mend"], facts["missing"]) == (None, None, [])


def test_status_never_raises():
    assert status.status()["problem"] == "no Julia found"
    assert "twinbench julia setup" in status.status()["mend"]


def test_use_is_remembered(tmp_path: Path):
    exe = program(tmp_path / "bin" / "julia", "1.10.8\0/lib/libjulia.so\0/bin")
    folder = project(tmp_path / 'a "project"', **all_packages())
    use.use(str(exe), str(folder), str(tmp_path / "depot"))
    chosen = find.find()
    assert (chosen.source, chosen.exe, chosen.project) == ("config", str(exe), str(folder))
    assert chosen.depot == f"{tmp_path / 'depot'}{os.pathsep}"
    assert (chosen.lib, chosen.bindir) == ("/lib/libjulia.so", "/bin")


def test_the_environment_goes_before_the_configuration(named: Path, tmp_path: Path):
    exe = program(tmp_path / "other" / "julia", "1.10.8\0lib\0bin")
    use.use(str(exe), str(project(tmp_path / "other", **all_packages())))
    assert find.find().source == "environment"


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [("", 1, "does not start: boom"), ("1.9.4\0l\0b", 0, "too old"), ("what?", 0, "does not start")],
)
def test_a_julia_that_does_not_work_is_not_kept(tmp_path: Path, answer: str, code: int, words: str):
    exe = program(tmp_path / "julia", answer, code)
    with pytest.raises(JuliaUnavailable, match=words):
        use.use(str(exe), str(project(tmp_path / "project", **all_packages())))
    assert not find.config_file().exists()


def test_a_project_without_what_everything_needs_can_not_be_used(tmp_path: Path):
    exe = program(tmp_path / "julia", "1.10.8\0l\0b")
    folder = project(tmp_path / "project", **all_packages() | {"PrecompileTools": None})
    with pytest.raises(JuliaUnavailable, match="lacks PrecompileTools; run "):
        use.use(str(exe), str(folder))
    assert not find.config_file().exists()


@pytest.mark.parametrize("text", ["not toml", 'exe = "julia"', 'exe = "j"\nproject = "p"\ncolour = "red"'])
def test_a_broken_configuration_names_its_file(text: str):
    find.config_file().parent.mkdir(parents=True)
    find.config_file().write_text(text)
    with pytest.raises(JuliaUnavailable, match=r"julia\.toml: .*run 'twinbench julia use' again"):
        find.find()


def test_what_juliapkg_resolved_is_found_without_asking_juliapkg(tmp_path: Path):
    folder = project(find.provisioned_project(), **all_packages())
    exe = program(tmp_path / "julia")
    (folder / "pyjuliapkg").mkdir()
    meta = {"executable": str(exe), "libjulia": "/lib/libjulia.so", "bindir": "/bin"}
    (folder / "pyjuliapkg" / "meta.json").write_text(json.dumps(meta))
    chosen = find.find()
    assert (chosen.source, chosen.exe, chosen.project, chosen.lib) == (
        "juliapkg",
        str(exe),
        str(folder),
        "/lib/libjulia.so",
    )


@pytest.mark.parametrize("text", ["", "{}", "not json"])
def test_a_provisioning_that_was_interrupted_is_none(text: str):
    folder = find.provisioned_project() / "pyjuliapkg"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(text)
    with pytest.raises(JuliaUnavailable, match="no Julia found"):
        find.find()


def test_a_worker_gets_what_juliacall_reads(named: Path):
    variables = start.environment(find.find(), 3)
    assert variables[find.EXE] == os.environ[find.EXE]
    assert variables[find.PROJECT] == str(named)
    assert variables["PYTHON_JULIACALL_THREADS"] == variables["JULIA_NUM_THREADS"] == "3"
    assert variables["PYTHON_JULIACALL_HANDLE_SIGNALS"] == "yes"
    assert variables["JULIA_PKG_OFFLINE"] == "true"
    assert "JULIA_DEPOT_PATH" not in variables


def test_a_depot_that_cannot_be_written_gets_one_of_ours_in_front(
    monkeypatch: pytest.MonkeyPatch, named: Path, tmp_path: Path
):
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{tmp_path}:")
    chosen = find.find()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere, whatever the mode
    ours = str(paths.cache_dir() / "julia-depot")
    assert start.environment(chosen, 1)["JULIA_DEPOT_PATH"] == f"{ours}:{tmp_path}:"


def test_a_julia_without_some_packages_can_be_used_and_says_which(named: Path):
    assert status.lacking(find.find()) is None
    project(named, **all_packages() | {"Flux": None})
    chosen = find.find()
    assert "lacks Flux; run " in (status.lacking(chosen) or "")
