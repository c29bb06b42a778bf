"""A run as a document: the same figures as on a terminal, in Markdown that shows them as they are."""

from __future__ import annotations

import io
from pathlib import Path

import markdown
import pytest
from rich.table import Table
from rich.text import Text

from tests.results.make_store import RUN, STEPS, make_store
from twinbench.results.summary.run import summarise
from twinbench.store.store import Store
from twinbench.views import terminal
from twinbench.views.markdown import Document


@pytest.fixture
def document(tmp_path: Path) -> str:
    make_store(tmp_path / "results.db")
    file = io.StringIO()
    with Store.open(tmp_path / "results.db") as store:
        terminal.render(summarise(store, RUN), Document(file))
    return file.getvalue()


def printed(*objects: object) -> str:
    file = io.StringIO()
    Document(file).print(*objects)
    return file.getvalue()


def html(text: str) -> str:
    return markdown.markdown(text, extensions=["tables"])


def test_tables_are_whole_however_wide(document):
    page = html(document)
    assert page.count("<table>") == 2
    assert "276 ms ±1.0%" in page
    assert all(f">{step}</td>" in page for step in STEPS)
    assert document.splitlines()[-1] == "", "every block ends with an empty line"


def test_columns_keep_their_side():
    table = Table()
    table.add_column("left")
    table.add_column("right", justify="right")
    table.add_row("a", "1")
    assert printed(table) == "| left | right |\n| --- | ---: |\n| a | 1 |\n\n"


def test_what_markdown_would_act_on_stays_text():
    hostile = "<script>x</script> a|b *c* `d` [e](f) #g _h_ \\i"
    table = Table("stack")
    table.add_row(Text(hostile))
    page = html(printed(table, Text(hostile)))
    assert page.count("&lt;script&gt;x&lt;/script&gt; a|b *c* `d` [e](f) #g _h_ \\i") == 2
    assert not any(tag in page for tag in ("<script", "<em", "<code", "<a "))


def test_bold_stays_bold_and_lines_stay_lines():
    said = Text.assemble(("join (1e5)", "bold green"), ": two\nlines")
    assert html(printed(said)) == "<p><strong>join (1e5)</strong>: two<br />\nlines</p>"
