"""Texts from outside lose their secrets, and can't act on a terminal."""

from __future__ import annotations

import base64
import json
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench.errors import BadInput, in_one_line
from twinbench.foreign import HIDDEN, json_visible, redacted, visible

CANARY = "s3cr3t/of#the mine"
BASIC = base64.b64encode(f"someone:{CANARY}".encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "http://someone:CANARY@host/path",
        "HTTP://CANARY@host",
        "dataBricks://someone:CANARY@profile failed",
        "postgresql+psycopg2://someone:CANARY@host:5432/mlflow?sslmode=require",
        "http://someone:p/w#CANARY@host:80/x",
        "http%3A%2F%2Fsomeone%3ACANARY%40host",
        "https://host/a?token=CANARY&x=1",
        "https://host/a?x=1&API_KEY=CANARY",
        "https://host/a?X-Amz-Signature=CANARY#top",
        "GET /a%3Ftoken%3DCANARY%26x HTTP/1.1",
        "could not connect: host=db user=me password=CANARY dbname=x",
        "{'Authorization': 'Bearer CANARY', 'Accept': '*/*'}",
        "Authorization: CANARY",
    ],
)
def test_what_is_written_as_a_secret_is_hidden(text: str):
    shown = redacted(text.replace("CANARY", "c4n4ry"))
    assert "c4n4ry" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "name",
    [
        *("COMET_API_KEY", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY"),
        *("AWS_SESSION_TOKEN", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET", "PGPASSWORD", "my_key", "HF_TOKEN"),
    ],
)
def test_the_value_of_a_secret_variable_is_hidden_in_every_spelling(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, CANARY)
    for spelled in (CANARY, quote(CANARY, safe=""), quote(CANARY, safe="").lower(), CANARY.replace("/", "%2f")):
        assert redacted(f"it refuses {spelled}!") == f"it refuses {HIDDEN}!", spelled


def test_the_password_of_an_address_is_hidden_where_it_stands_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"https://someone:{CANARY}@host/?token=t0k3n")
    text = f"no host '{CANARY}', {quote(CANARY, safe='')}, Basic {BASIC}, t0k3n, someone"
    assert redacted(text) == f"no host '{HIDDEN}', {HIDDEN}, Basic {HIDDEN}, {HIDDEN}, someone"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert redacted(f"no host '{CANARY}'", f"https://someone:{CANARY}@host") == f"no host '{HIDDEN}'"


def test_what_is_no_secret_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "keep-this-1")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/keep-this-2")
    monkeypatch.setenv("SOME_TOKEN", "true")
    monkeypatch.setenv("SHORT_PASSWORD", "four")
    for text in (
        "keep-this-1 /run/keep-this-2 true",
        "https://host:8080/a@b?x=1&monkey_business=2",
        "sqlite:////data/mlflow.db",
        "labels: 7 is not a class; classes are 0 to 3",
        "me@example.org, fourteen",
    ):
        assert redacted(text) == text
    assert redacted("it has four legs") == f"it has {HIDDEN} legs"


@given(st.text(min_size=8).filter(str.strip))
def test_any_secret_is_found(secret: str):
    with pytest.MonkeyPatch.context() as patch:
        if "\0" not in secret and secret.isprintable():
            patch.setenv("SOME_SECRET", secret)
            assert secret not in redacted(f"a {secret} b {quote(secret, safe='')} c").replace(HIDDEN, "\n")


def test_errors_are_born_without_secrets(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_TOKEN", "c4n4ry")
    assert str(BadInput("http://u:pw@host has c4n4ry")) == f"http://{HIDDEN}@host has {HIDDEN}"
    assert in_one_line(OSError("http://u:pw@host")) == f"OSError: http://{HIDDEN}@host"


def test_a_long_text_of_a_hostile_server_takes_no_time():
    for part in ("http://", "a:", "?token", "%3atoken", "http://a:", "password=", "&key=", "authorization:"):
        redacted(part * 30_000)


@given(st.text())
def test_what_is_visible_acts_on_no_terminal(text: str):
    shown = visible(text)
    categories = {unicodedata.category(character) for character in set(shown) - set("\n\t\u200c\u200d")}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible(shown) == shown
    assert json.loads(json_visible(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\x07\x7f", "a\\rb\\x07\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("日本é\t±\n", "日本é\t±\n"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_escaped_and_scripts_stay(text: str, shown: str):
    assert visible(text) == shown
