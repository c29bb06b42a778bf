"""Functions that run in environments which are made for requirements after ``@``."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.pair.requests import request
from twinbench.errors import BadInput
from twinbench.launch import environments
from twinbench.pair import command, target


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("pandas==2.2.3", ("pandas==2.2.3",)),
        ("pandas==2.2.3,numpy<2", ("pandas==2.2.3", "numpy<2")),
        ("pandas >= 2, < 3 , numpy", ("pandas<3,>=2", "numpy")),
        ("torch[cpu]~=2.4 scipy!=1.0", ("torch[cpu]~=2.4", "scipy!=1.0")),
        ("pandas", None),
        (".venv-old", None),
        ("../envs/a==b", None),
        ("--index-url=https://example.org", None),
        ("tiny @ https://example.org/tiny.whl", None),
    ],
)
def test_requirements_are_told_from_other_texts(text: str, listed: tuple[str, ...] | None):
    assert target.requirements(text) == listed


def wheel(directory: Path, version: str) -> None:
    """Write a package with one module, as pip installs it."""
    record = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(directory / f"tiny-{version}-py3-none-any.whl", "w") as file:
        file.writestr("tiny.py", f"VERSION = {version!r}\n")
        file.writestr(f"{record}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        file.writestr(
            f"{record}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{record}/RECORD", "")


def test_an_environment_is_made_once_for_requirements_and_listed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    wheel(tmp_path, "1.0")
    Path("f.py").write_text("def f(x):\n    import tiny\n    return tiny.VERSION\n")
    Path("tiny.py").write_text("VERSION = 'beside'\n")
    Path("g").mkdir()
    Path("g/f.py").write_text(Path("f.py").read_text())
    asked = request(["f.py:f", "old=g/f.py:f@tiny<2,>=1"], inputs=["x=1"], generate=0)
    assert [finding.text for finding in command.run(asked).findings] == ["'beside' and '1.0'"]
    assert "installing tiny<2,>=1" in capsys.readouterr().err
    assert not command.run(asked).ok
    assert capsys.readouterr().err == ""
    (own,) = [each for name, each in environments.every().items() if name.startswith(environments.OWN)]
    assert (own.requirements, environments.exists(own.name)) == (("tiny<2,>=1",), True)
    with pytest.raises(environments.EnvironmentFailure) as error:
        environments._run([environments.interpreter(own.name), "-m", "pip", "install", "tiny==3"], own.name)
    said = "Could not find a version that satisfies the requirement tiny==3 (from versions: 1.0)"
    assert str(error.value) == f"{said}; correct the requirements after @"
    with pytest.raises(BadInput, match="unknown environment"):
        environments.remove("../cache")
    assert environments.remove(own.name)
    assert own.name not in environments.every()
