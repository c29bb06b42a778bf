"""Texts that come from outside: what is secret in them is removed, and what would act on a terminal is made visible.

Libraries put addresses, and so passwords, into their errors. Names and messages of others may hold control characters.
"""

from __future__ import annotations

import base64
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

HIDDEN = "***"
"""Text that stands for a secret."""

SHORTEST = 4
"""Fewest characters of a secret that is searched for by its value; a shorter one is a part of too many words."""

SHORTEST_INSIDE = 6
"""Fewest characters of a secret that is found inside of a longer word, too."""

COMMON = frozenset({"true", "false", "none", "null", "default"})
"""Values that variables with the name of a secret may have, and that aren't secrets."""

_SECRET_WORD = r"token|passw(?:or)?d|passphrase|pwd|secret|(?:api|access|auth|(?<![a-z]))key|credential|signature"

_SECRET_NAME = re.compile(
    r"(?i)(?:password|passwd|passphrase|secret|credential|api_?key|access_?key|private_?key|authorization"
    r"|tokens?(?=_|$)|(?<![a-z])(?:pwd|pass|key|auth)$)"
)
"""Pattern of the names of variables that hold secrets."""

_NOT_SECRET = re.compile(r"(?i)(?:_(?:file|path|dir|sock|socket|id|name|helper|type|expiration)|^pwd|^oldpwd)$")
"""Pattern of the names that sound like a secret, and hold a path, an identifier or a kind."""

_USER = re.compile(
    r"(?i)\b([a-z][a-z0-9+.-]{0,30}:[\\]?/[\\]?/)"
    r"(?:[^\s/?#'\"<>]{1,1000}@|[^\s/@:'\"<>]{0,400}:(?!\d{1,5}[/?#])[^\s'\"<>]{1,1000}@)"
)
"""Pattern of a scheme with the user and the password after it, whose password may hold characters that it may not."""

_ENCODED_USER = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}(?:%3a|:)%2f%2f)[^\s'\"<>]{1,4000}?%40")

_PARAMETER = re.compile(
    rf"(?i)((?:[?&;#]|%3f|%26)(?:[\w.-]{{0,40}}(?:{_SECRET_WORD})[\w.-]{{0,40}}|pass|auth|sig|code)(?:=|%3d))"
    r"(?:(?!%26)[^&#;\s'\"<>)\]}]){1,4000}"
)
"""Pattern of a parameter of a URL whose name says that its value is secret."""

_ASSIGNED = re.compile(
    r"(?i)\b((?:password|passwd|pwd|secret|[\w-]{0,30}(?:api_?key|access_?key|_token|_secret|_password))=)"
    r"(?:'[^']{1,4000}'|\"[^\"]{1,4000}\"|[^\s&;,'\"<>)\]}]{1,4000})"
)
"""Pattern of a setting such as ``password=x`` outside of a URL."""

_AUTHORIZATION = re.compile(
    r"(?i)(authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?:bearer|basic|token)\s{1,3})?)[^\s\"',}]{1,4000}"
)

_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of Unicode's characters that act on a terminal, or change the order in which others are read."""

_HARMLESS = frozenset("\n\t\u200c\u200d")
"""Members of those categories that are a part of texts: line and column, and the two joiners of some scripts."""


def redacted(text: str, *addresses: str) -> str:
    """Return a text without its secrets, each of which is replaced by `HIDDEN`.

    Secrets are users and passwords in URLs of any scheme, parameters whose names say so, and values of variables of the
    environment whose names say so; those of the environment's, of the command's and of the given ``addresses`` are
    removed wherever they stand, percent-encoded characters included.
    """
    for pattern in (_PARAMETER, _ASSIGNED, _AUTHORIZATION):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    text = _ENCODED_USER.sub(rf"\1{HIDDEN}%40", _USER.sub(rf"\1{HIDDEN}@", text))
    values = sorted({*_of_environment(), *(value for address in (*addresses, *sys.argv) for value in _of(address))})
    return text if not values else _searched(tuple(values)).sub(HIDDEN, text)


def visible(text: str) -> str:
    r"""Return a text whose control characters are escaped, as in ``\x1b``: it can't act on a terminal.

    Those of lines and columns stay. So do all other characters, whatever their script.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_escaped, text))


def json_visible(text: str) -> str:
    r"""Return a JSON document whose control characters are escaped as JSON does it, as in ``\u009b``."""
    if text.isascii():
        return text
    return "".join(c if _is_harmless(c) else _json_escape(c) for c in text)


def _escaped(character: str) -> str:
    return character if _is_harmless(character) else character.encode("unicode_escape").decode("ascii")


def _is_harmless(character: str) -> bool:
    return character in _HARMLESS or unicodedata.category(character) not in _INVISIBLE


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and not _NOT_SECRET.search(name):
            yield from _worth_hiding(value)
        elif "://" in value:
            yield from _of(value)


def _of(address: str) -> Iterator[str]:
    """Yield the secrets of a URL: the password, the user with it as HTTP sends them, and secret parameters."""
    _, is_address, rest = address.partition("://")
    if not is_address:
        return
    authority, _, _ = rest.rpartition("@")
    user, _, password = authority.partition(":")
    secrets = [password or user] if authority else []
    secrets += [match[0].split("=", 1)[-1] for match in _PARAMETER.finditer(address)]
    if password:
        basic = f"{unquote(user)}:{unquote(password)}".encode(errors="replace")
        secrets.append(base64.b64encode(basic).decode("ascii"))
    for secret in secrets:
        yield from _worth_hiding(secret)


def _worth_hiding(value: str) -> Iterator[str]:
    for form in {value, value.strip(), unquote(value), unquote_plus(value)}:
        if len(form) >= SHORTEST and form.lower() not in COMMON:
            yield form


@lru_cache(maxsize=8)
def _searched(values: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of these secrets, the longest first, each character as it is or percent-encoded."""
    ordered = sorted(values, key=len, reverse=True)
    return re.compile("|".join(_pattern(value) for value in ordered))


def _pattern(value: str) -> str:
    spelled = "".join(_spellings(character) for character in value)
    return spelled if len(value) >= SHORTEST_INSIDE else rf"(?<!\w){spelled}(?!\w)"


def _spellings(character: str) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
    plus = r"|\+" if character == " " else ""
    return f"(?:{re.escape(character)}|(?i:{encoded}){plus})"
