"""Provisioning Julia in layers, by the real juliapkg. Only the julia that it finds on the PATH is a stand-in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.julia_stand_ins import JULIACALL, all_packages, none_named, program, project
from twinbench import paths
from twinbench.errors import BadInput, JuliaUnavailable
from twinbench.frameworks import registry
from twinbench.julia import find, layers, provision, status
from twinbench.plan import stack

PKG = """\
import os, re, sys
if "--version" in sys.argv:
    sys.exit(print("julia version 1.10.8"))
project = next(word for word in sys.argv if word.startswith("--project=")).partition("=")[2]
if "libjulia" in sys.argv[-1]:
    sys.exit(print("/lib/libjulia.so\\0/bin", end=""))
print("Pkg resolves", flush=True)
import tomllib
with open(f"{project}/Project.toml", "rb") as file:
    deps = tomllib.load(file)["deps"]
broken = set(os.environ.get("BROKEN", "").split()) & set(deps)
if broken:
    sys.exit(f"ERROR: {broken} failed to precompile")
with open(f"{project}/Manifest.toml", "w") as file:
    file.write('julia_version = "1.10.8"\\n')
    for name in deps:
        version = "%s" if name == "PythonCall" else "1.0.0"
        file.write(f'[[deps.{name}]]\\ngit-tree-sha1 = "0"\\nversion = "{version}"\\n')
"""


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    none_named(monkeypatch, tmp_path)
    monkeypatch.setattr(provision, "WARM", "print('compiled')")  # juliacall can't start a stand-in


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The directory of a stand-in for Julia, which resolves a project as Pkg does; nothing else is on the PATH."""
    exe = tmp_path / "bin" / "julia"
    exe.parent.mkdir()
    exe.write_text(f"#!{sys.executable}\n{PKG % JULIACALL}", encoding="utf-8")
    exe.chmod(0o755)
    monkeypatch.setenv("PATH", str(exe.parent))
    return exe.parent


def setup(*names: str) -> list[str]:
    """The lines of progress of a setup with these layers."""
    lines: list[str] = []
    provision.setup(lines.append, names)
    return lines


def unavailable(name: str) -> str:
    return stack.unavailable(registry.get(name)) or "can be had"


def test_the_base_is_provisioned_alone_and_says_how_far_it_is(on_path: Path):
    lines = setup()
    assert lines[0] == "layer 1 of 1 (base): tables, training and the signals of DSP.jl"
    assert "Pkg resolves" in lines
    assert any(line.startswith("layer 1 of 1 (base): ready after ") for line in lines)
    assert lines[-1] == "compiled"
    assert provision.missing_layers(find.find()) == ["images", "signals", "mlutils", "mfcc"]
    assert [unavailable(name) for name in ("DataFrames.jl", "Flux", "DSP.jl")] == ["can be had"] * 3
    assert unavailable("SignalAnalysis.jl") == (
        "the Julia project lacks SignalAnalysis; run 'twinbench julia setup signals'"
    )


def test_layers_are_added_to_what_is_there(on_path: Path):
    setup()
    lines = setup("mfcc", "signals")
    titles = [line for line in lines if line.startswith("layer ") and "ready" not in line]
    assert [title.partition(":")[0] for title in titles] == [
        "layer 1 of 3 (base)",
        "layer 2 of 3 (signals)",
        "layer 3 of 3 (mfcc)",
    ]
    setup("images")
    assert provision.missing_layers(find.find()) == ["mlutils"]
    assert unavailable("MFCC.jl") == "can be had"


def test_a_layer_that_fails_costs_its_framework_only(on_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BROKEN", "MFCC")
    lines = setup("signals", "mlutils", "mfcc")
    [failed] = [line for line in lines if "left out" in line]
    assert failed.startswith("layer 4 of 4 (mfcc): failed after ")
    assert "Julia's package manager ended with 1" in failed
    assert unavailable("MFCC.jl") == "the Julia project lacks MFCC; run 'twinbench julia setup mfcc'"
    assert [unavailable(name) for name in ("SignalAnalysis.jl", "MLUtils.jl", "Flux")] == ["can be had"] * 3


def test_a_layer_that_failed_does_not_stand_in_the_way_of_others(on_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BROKEN", "SignalAnalysis")
    setup("signals")
    setup("images")
    assert provision.missing_layers(find.find()) == ["signals", "mlutils", "mfcc"]
    monkeypatch.setenv("BROKEN", "")
    setup("signals")
    assert provision.missing_layers(find.find()) == ["mlutils", "mfcc"]


def test_without_the_base_there_is_no_julia(on_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BROKEN", "Flux")
    with pytest.raises(JuliaUnavailable, match=r"could not be provisioned: Julia's package manager ended with 1"):
        setup()
    with pytest.raises(JuliaUnavailable, match="no Julia found"):
        find.find()
    monkeypatch.setenv("BROKEN", "")
    setup()
    assert "base" not in provision.missing_layers(find.find())


def test_an_unknown_layer_gets_the_nearest_name():
    with pytest.raises(BadInput, match="unknown layer 'image'; did you mean 'images'"):
        setup("image")


def test_status_lists_the_layers_with_what_is_there(on_path: Path):
    setup("signals")
    facts = status.status()
    assert facts["layers"]["base"] == facts["layers"]["signals"] == []
    assert facts["layers"]["mfcc"] == ["MFCC"]
    assert facts["mend"] == "run 'twinbench julia setup images mlutils mfcc'"


def test_setup_without_a_network_fails_in_words_and_shows_progress(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))  # where juliapkg would find a Julia, and then ask it to download
    no_network = "import socket; socket.getaddrinfo = None\n"  # juliapkg's first download fails
    monkeypatch.setattr(provision, "PROVISION", no_network + provision.PROVISION)
    lines: list[str] = []
    with pytest.raises(JuliaUnavailable, match=r"could not be provisioned: .*; is the network there\?"):
        provision.setup(lines.append)
    assert any("juliapkg" in line for line in lines)
    assert not any("Traceback" in line for line in lines)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Julia named by the environment; the project's directory."""
    monkeypatch.setenv(find.EXE, str(program(tmp_path / "bin" / "julia")))
    directory = project(tmp_path / "project", **all_packages())
    monkeypatch.setenv(find.PROJECT, str(directory))
    return directory


def test_setup_of_a_named_julia_downloads_nothing(monkeypatch: pytest.MonkeyPatch, named: Path):
    monkeypatch.setattr(provision, "PROVISION", "raise SystemExit('downloaded')")
    lines: list[str] = []
    assert provision.setup(lines.append, ["images"]).source == "environment"
    assert lines[-1] == "compiled"


def test_setup_of_a_named_julia_without_what_everything_needs_says_so(named: Path):
    project(named, **all_packages() | {"PrecompileTools": None})
    with pytest.raises(JuliaUnavailable, match="lacks PrecompileTools; run "):
        provision.setup(lambda line: None)


def test_every_framework_of_ours_is_in_one_layer():
    for framework in registry.frameworks().values():
        if framework.language == "julia" and framework.packages:
            assert len(layers.holding(framework.packages)) == 1, framework.name


def test_the_lists_of_packages_agree():
    import tomllib

    listed = {name: facts for layer in layers.layers().values() for name, facts in layer.packages.items()}
    here = tomllib.loads((paths.resource("julia") / "Project.toml").read_text())
    above = tomllib.loads((paths.resource("julia").parent / "Project.toml").read_text())
    versions = {name: facts["version"] for name, facts in listed.items()}
    for lists, needed in ((here, here["deps"] | here["weakdeps"]), (above, above["deps"])):
        assert {name: lists["compat"][name] for name in versions} == versions
        assert {name: needed[name] for name in versions} == {name: facts["uuid"] for name, facts in listed.items()}
    supported = json.loads((paths.PACKAGE / "juliapkg.json").read_text())["julia"]
    assert here["compat"]["julia"] == above["compat"]["julia"] == supported
    assert supported == " - ".join(".".join(map(str, version)) for version in (status.OLDEST, status.NEWEST))
