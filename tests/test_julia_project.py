"""Which manifest Julia reads for a project, what a Julia's version is, and which Julia goes with Python's OpenSSL."""

from __future__ import annotations

from pathlib import Path

import pytest
from juliapkg.compat import Compat
from juliapkg.deps import openssl_compat
from semver import Version

from tests.julia_stand_ins import JULIACALL, all_packages, header, none_named, program, project
from twinbench.errors import JuliaUnavailable
from twinbench.julia import find, openssl, status, use
from twinbench.julia.project import manifest_file, packages, parse_version, users_of, version_of


def made(directory: Path, *names: str, project_toml: str = "") -> Path:
    """A directory with a project file and empty files of these names."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "Project.toml").write_text(project_toml)
    for name in names:
        (directory / name).touch()
    return directory


EVERY = (
    "Manifest.toml",
    "JuliaManifest.toml",
    "Manifest-v1.11.toml",
    "JuliaManifest-v1.12.toml",
    "Manifest-v1.12.toml",
)


@pytest.mark.parametrize(
    ("julia", "name"),
    [
        ((1, 12, 1), "JuliaManifest-v1.12.toml"),
        ((1, 11, 0), "Manifest-v1.11.toml"),
        ((1, 10, 8), "JuliaManifest.toml"),
        (None, "JuliaManifest-v1.12.toml"),
    ],
)
def test_the_manifest_of_its_own_version_comes_first(tmp_path: Path, julia, name: str):
    file = manifest_file(made(tmp_path, *EVERY), julia)
    assert file is not None
    assert file.name == name


def test_a_julia_before_1_10_8_knows_no_manifest_by_version(tmp_path: Path):
    made(tmp_path, "Manifest.toml", "Manifest-v1.10.toml")
    assert manifest_file(tmp_path, (1, 10, 7)) == tmp_path / "Manifest.toml"
    assert manifest_file(tmp_path, (1, 10, 8)) == tmp_path / "Manifest-v1.10.toml"


def test_the_manifest_of_a_workspace_lies_in_its_root(tmp_path: Path):
    made(tmp_path, "Manifest.toml", project_toml='[workspace]\nprojects = ["bench", "sub/deep"]')
    member = made(tmp_path / "sub" / "deep", "Manifest.toml")
    other = made(tmp_path / "other", "Manifest.toml")
    assert manifest_file(member, (1, 12, 0)) == tmp_path.resolve() / "Manifest.toml"
    assert manifest_file(member, (1, 11, 9)) == member / "Manifest.toml"
    assert manifest_file(other, (1, 12, 0)) == other / "Manifest.toml"


def test_a_project_may_name_its_manifest(tmp_path: Path):
    made(tmp_path, "Manifest.toml", "own.toml", project_toml='manifest = "own.toml"')
    assert manifest_file(tmp_path, (1, 12, 0)) == tmp_path / "own.toml"


def test_what_only_comes_along_cannot_be_imported(tmp_path: Path):
    made(tmp_path, project_toml='[deps]\nA = "0"\nS = "0"\nAbsent = "0"')
    entries = '[[deps.A]]\nversion = "2.0.0"\n[[deps.B]]\nversion = "1.0.0"\n[[deps.S]]\nuuid = "0"\n'
    (tmp_path / "Manifest.toml").write_text(entries)
    assert packages(tmp_path, None) == {"A": "2.0.0", "S": "stdlib"}


@pytest.mark.parametrize(("text", "version"), [("1.12.1", (1, 12, 1)), ("1.13.0-beta2", (1, 13, 0)), ("what", None)])
def test_a_version_in_words_is_read(text: str, version):
    assert parse_version(text) == version


def test_the_version_of_an_installed_julia_is_read_from_its_header(tmp_path: Path):
    exe = program(tmp_path / "bin" / "julia")
    assert version_of(str(exe)) is None
    header(exe, "1.11.6")
    assert version_of(str(exe)) == (1, 11, 6)


def test_a_library_is_looked_for_through_registered_packages_only():
    def entry(*deps: str, registered: bool = True) -> list[dict[str, object]]:
        return [{"deps": list(deps)} | ({"git-tree-sha1": "0"} if registered else {})]

    deps = {"A": entry("B"), "B": entry("A", "Lib"), "C": entry("Std"), "Std": entry("Lib", registered=False)}
    assert users_of("Lib", {"deps": deps}, "A") == ["B"]
    assert users_of("Lib", {"deps": deps}, "C") == []
    deps["B"][0]["deps"] = {"Lib": "uuid"}
    assert users_of("Lib", {"deps": deps}, "B") == ["B"]


@pytest.mark.parametrize("version", [(1, 1), (3, 0), (3, 4), (3, 5), (3, 6), (4, 0)])
def test_the_limit_by_openssl_is_juliapkgs(version: tuple[int, int]):
    _, allowed = openssl_compat((*version, 0))
    newest = openssl.limit(version)
    for minor in range(9, 20):
        mine = newest is None or (1, minor) <= newest
        assert mine == (allowed is None or Version(1, minor, 3) in Compat.parse(allowed))


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Julia 1.12.1 on the PATH, and a Python with OpenSSL 3.0."""
    none_named(monkeypatch, tmp_path)
    exe = program(tmp_path / "julia" / "bin" / "julia", "1.12.1\0/lib/libjulia.so\0/bin")
    header(exe, "1.12.1")
    monkeypatch.setenv("PATH", str(exe.parent))
    monkeypatch.setattr(openssl, "of_python", lambda: (3, 0))
    return exe


WORDS = "Python's OpenSSL is 3.0: juliapkg allows Julia up to 1.11, and the julia 1.12.1 on PATH is passed over"


def test_a_julia_that_is_passed_over_is_named_with_the_reason(on_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert status.status()["notes"] == [WORDS]
    with pytest.raises(JuliaUnavailable) as failure:
        find.find()
    assert str(failure.value).startswith(f"no Julia found ({WORDS}); run 'twinbench julia setup'")
    monkeypatch.setattr(openssl, "of_python", lambda: (3, 5))
    assert status.status()["notes"] == []


def test_a_julia_that_is_not_passed_over_needs_no_words(on_path: Path):
    header(on_path, "1.11.5")
    assert status.status()["notes"] == []


def test_a_package_that_would_crash_is_unavailable_before_it_does(on_path: Path, tmp_path: Path, monkeypatch):
    directory = project(tmp_path / "project", **all_packages())
    manifest = (
        (directory / "Manifest.toml").read_text().replace("[[deps.MFCC]]\n", '[[deps.MFCC]]\ndeps = ["HDF5_jll"]\n')
    )
    manifest += '[[deps.HDF5_jll]]\ngit-tree-sha1 = "0"\nversion = "1.14.6"\ndeps = ["OpenSSL_jll"]\n'
    (directory / "Manifest.toml").write_text(manifest)
    chosen = use.use(str(on_path), str(directory))
    words = (
        "MFCC (by HDF5_jll) would crash: Julia 1.12.1 brings OpenSSL 3.5 and Python has 3.0; "
        "use Julia 1.11 or older, or a Python with OpenSSL 3.5"
    )
    assert status.notes(chosen) == [words]
    assert find.unavailable(["MFCC"]) == words
    assert find.unavailable(["Flux"]) is None
    monkeypatch.setattr(openssl, "of_python", lambda: (3, 5))
    assert find.unavailable(["MFCC"]) is None


def test_flux_is_told_with_what_it_computes_on(on_path: Path, tmp_path: Path):
    directory = project(tmp_path / "project", **all_packages() | {"Flux": "0.16.5", "Zygote": "0.7.10"})
    use.use(str(on_path), str(directory))
    words = "0.16.5 with Zygote 0.7.10, on the processor only: the project has no CUDA and cuDNN"
    assert status.status()["flux"] == words
    project(directory, **all_packages() | {"Flux": "0.16.5", "CUDA": "5.8.0", "cuDNN": "1.4.0"})
    assert "CUDA by CUDA.jl 5.8.0 and cuDNN 1.4.0" in status.status()["flux"]


def test_a_julia_newer_than_the_supported_ones_is_noted(on_path: Path, tmp_path: Path):
    header(on_path, "1.13.0")
    julia = use.use(str(on_path), str(project(tmp_path / "project", **all_packages())))
    assert status.notes(julia)[0] == "Julia 1.13.0 is newer than those that twinbench is made for, 1.10 to 1.12"
    assert find.packages(julia)["PythonCall"] == JULIACALL
