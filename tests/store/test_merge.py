"""Runs of one store in another are what they were, and never what was there before."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path

import pytest

from tests.results.make_store import RUN, make_store
from twinbench.errors import StoreError
from twinbench.results.summary.run import plain, summarise
from twinbench.store.merge import merge
from twinbench.store.records import ORIGIN
from twinbench.store.store import Store

NUMBER = re.compile(r"'cell_id': \d+")
"""The id of a cell, which is another one in another store."""

OTHER = "20260502-120000-ffff"


def everything(store: Store, run: str) -> list[object]:
    """All that is known of a run, without the ids of its cells and where it is from."""
    kept = store.find_run(run)
    arguments = {key: value for key, value in kept.arguments.items() if key != ORIGIN}
    found: list[object] = [kept.created, arguments, kept.environment, kept.status]
    found += [store.pipelines(run), store.baselines(run), store.noise(run)]
    for cell in store.cells(run):
        found.append([getattr(cell, name) for name in cell.__slots__ if name != "id"])
        found += [store.samples(cell.id), store.agreements(cell.id), store.qualities(cell.id), store.facts(cell.id)]
        found.append({name: store.file(cell.id, name) for name in store.files(cell.id)})
    return found


def test_a_run_is_the_same_in_the_store_that_takes_it(tmp_path):
    make_store(tmp_path / "here.db")
    make_store(tmp_path / "there.db", processes=3, run_id=OTHER)
    with Store.open(tmp_path / "here.db") as here, Store.open(tmp_path / "there.db") as there:
        own, others = everything(here, RUN), everything(there, OTHER)
        merged = merge(there.path, here)
        assert (merged.copied, merged.present) == ([OTHER], [])
        assert repr(everything(here, OTHER)) == repr(others)
        assert repr(everything(here, RUN)) == repr(own)
        assert here.find_run(OTHER).arguments[ORIGIN] == str(there.path)
        shown, before = (plain(summarise(store, OTHER)) for store in (here, there))
        assert shown.pop("arguments") != before.pop("arguments")
        assert NUMBER.sub("", repr(shown)) == NUMBER.sub("", repr(before))


def test_a_run_that_is_there_stays_as_it_is(tmp_path):
    make_store(tmp_path / "here.db")
    make_store(tmp_path / "there.db", processes=3)
    with Store.open(tmp_path / "here.db") as here:
        before = everything(here, RUN)
        merged = merge(tmp_path / "there.db", here)
        assert (merged.copied, merged.present) == ([], [RUN])
        assert repr(everything(here, RUN)) == repr(before)


def test_a_path_need_not_be_unicode(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9's.db")
    make_store(path)
    with Store.open(tmp_path / "here.db") as here:
        assert merge(path, here).copied == [RUN]
        assert here.find_run(RUN).arguments[ORIGIN] == str(path)


def test_all_of_it_is_copied_or_nothing(tmp_path):
    make_store(tmp_path / "there.db")
    with sqlite3.connect(tmp_path / "there.db") as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("UPDATE samples SET wall_ns = -1")
    with Store.open(tmp_path / "here.db") as here:
        with pytest.raises(StoreError, match=r"wall_ns: -1\.0 instead of a number from 0"):
            merge(tmp_path / "there.db", here)
        assert here.runs() == []


def test_what_is_no_store_is_refused_in_words(twinbench, tmp_path):
    nonsense = tmp_path / "nonsense.db"
    nonsense.write_text("no database")
    for path, what in ((nonsense, "not a database"), (tmp_path / "absent.db", "no results there yet")):
        done = twinbench("merge", str(path), "--store", str(tmp_path / "here.db"))
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert what in done.stderr


def test_the_command_says_what_it_copied_and_a_copy_is_not_resumed(twinbench, tmp_path: Path):
    there, here = tmp_path / "there.db", tmp_path / "here.db"
    arguments = ("run", "noop", "--stack", "probe-a", "--budget", "0.1", "--no-track")
    assert twinbench(*arguments, "--store", str(there)).returncode == 0
    with Store.open(there) as store:
        run = store.find_run().id
        store.finish_run(run, "interrupted")
    first, second = (twinbench("merge", str(there), "--store", str(here)) for _ in range(2))
    assert first.stdout == f"{there}: 1 run(s) copied, 0 there already\n  {run}\n", first.stderr
    assert second.stdout == f"{there}: 0 run(s) copied, 1 there already\n"
    refused = twinbench(*arguments, "--resume", "--store", str(here))
    assert refused.returncode == 2
    assert "nothing to resume" in refused.stderr
    assert twinbench(*arguments, "--resume", "--store", str(there)).returncode == 0
