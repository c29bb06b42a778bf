"""The user's code runs only where it is trusted, in every command that would run it; and nothing else imports it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.usercode.own import HELPER, written
from twinbench.errors import BadInput
from twinbench.plan import pipeline as pipelines
from twinbench.plan import trusted
from twinbench.plan.stack import stacks_of
from twinbench.usercode import trust

MARKED = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline whose code leaves a file behind when it is imported."""
    monkeypatch.setenv("TWINBENCH_CONFIG_DIR", str(tmp_path / "config"))
    directory = tmp_path / "mine"
    directory.mkdir()
    file = written(directory)
    (directory / "helper.py").write_text(MARKED + HELPER)
    return file


def test_nothing_is_imported_until_it_is_trusted_and_a_changed_file_asks_again(path: Path):
    pipeline = pipelines.load(path)
    stacks_of(pipeline, [])
    with pytest.raises(BadInput) as caught:
        trusted.require(pipeline, allowed=False)
    message = str(caught.value)
    for word in ("features.py:scaled", str(path.with_name("helper.py")), "--trust", f"twinbench trust {path.parent}"):
        assert word in message
    trusted.require(pipeline, allowed=True)
    found = trusted.trust_directory(path.parent)
    assert set(found.checksums) == {"case.toml", "features.py", "helper.py"}
    assert found.functions == ["features.py:scaled"]
    trusted.require(pipeline, allowed=False)
    for name in found.checksums:
        file = path.with_name(name)
        before = file.read_text()
        file.write_text(before + "\n")
        with pytest.raises(BadInput, match=rf"{name} was changed since .* was trusted"):
            trusted.require(pipelines.load(path), allowed=False)
        file.write_text(before)
    (path.parent / "numpy.py").write_text("")  # which features.py doesn't import
    trusted.require(pipelines.load(path), allowed=False)
    assert not path.with_name("ran").exists()


def test_a_new_file_that_the_code_imports_asks_again(path: Path):
    (path.parent / "helper.py").write_text("import optional\n" + HELPER)
    trusted.trust_directory(path.parent)
    (path.parent / "optional.py").write_text(MARKED)
    with pytest.raises(BadInput, match=r"optional\.py is new since"):
        trusted.require(pipelines.load(path), allowed=False)


def test_code_outside_of_the_directory_is_not_trusted_with_it(path: Path):
    outside = path.parent.with_name("outside.py")
    outside.write_text(MARKED + "def scaled(arrays, factor): return arrays\n")
    path.write_text(path.read_text().replace("features.py:", "../outside.py:"))
    found = trusted.trust_directory(path.parent)
    assert any("outside.py is outside of" in line for line in found.left_out)
    with pytest.raises(BadInput, match=r"outside\.py is in no trusted directory"):
        trusted.require(pipelines.load(path), allowed=False)
    link = path.parent / "link.py"
    link.symlink_to(outside)
    path.write_text(path.read_text().replace("../outside.py:", "link.py:"))
    trusted.trust_directory(path.parent)
    with pytest.raises(BadInput, match="is in no trusted directory"):
        trusted.require(pipelines.load(path), allowed=False)


def test_trust_is_taken_back_and_a_damaged_record_trusts_nothing(path: Path):
    trusted.trust_directory(path.parent)
    assert trust.record().stat().st_mode & 0o077 == 0
    assert trust.remove(path.parent)
    assert not trust.remove(path.parent)
    with pytest.raises(BadInput, match="in no trusted directory"):
        trusted.require(pipelines.load(path), allowed=False)
    for damaged in ("", "[]", '{"/": 1}', json.dumps({"/": {"a": None}})):
        trust.record().write_text(damaged)
        with pytest.raises(BadInput, match="not a record of trusted directories; delete it"):
            trusted.require(pipelines.load(path), allowed=False)


def test_a_directory_without_code_has_nothing_to_trust(tmp_path: Path, path: Path):
    path.write_text(path.read_text().split("[op.scaled]")[0] + '[[step]]\nop = "probe.noop"\n')
    with pytest.raises(BadInput, match="no pipeline in it names code of yours"):
        trusted.trust_directory(path.parent)


def test_every_command_that_would_run_it_asks(path: Path, twinbench: Command, places: dict[str, str]):
    where = ["case", "--pipelines", str(path.parent)]
    commands = (
        ["agree", *where],
        ["agree", *where, "--show", "scaled"],
        ["run", *where, "--no-track"],
        ["run", *where, "--no-track", "--resume"],
        ["run", *where, "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9"],
        ["run", *where, "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9", "--trust"],
    )
    for command in commands:
        done = twinbench(*command)
        assert done.returncode == 2, done.stderr
        (line,) = done.stderr.splitlines()
        assert "features.py:scaled" in line
    assert twinbench("list", "--pipelines", str(path.parent)).returncode == 0
    assert not path.with_name("ran").exists()
    assert twinbench("agree", *where, "--trust").returncode == 0
    assert path.with_name("ran").exists()
    told = twinbench("trust", str(path.parent))
    assert "trusted: features.py:scaled" in told.stdout
    assert twinbench("agree", *where, "--show", "scaled").returncode == 0
    assert "helper.py" in twinbench("trust", "--list").stdout
    assert twinbench("trust", str(path.parent), "--remove").returncode == 0
    assert twinbench("agree", *where).returncode == 2
