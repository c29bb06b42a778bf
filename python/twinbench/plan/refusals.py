"""What is wrong with a value of a pipeline's file: Pydantic's refusal as one line, and what Pydantic would round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from twinbench.errors import nearest

UNKNOWN_KEY = {"extra_forbidden", "unexpected_keyword_argument"}
"""Pydantic's error types for an unknown key: in a model, in a dataclass."""

IN_TOML = {
    "a valid array": "a list, [...]",
    "a valid list": "a list, [...]",
    "an object": "a table, { key = value }",
    "a valid dictionary": "a table, { key = value }",
    "a valid string": "a text",
    "a valid number": "a number",
    "a valid integer": "a whole number",
    "a valid boolean": "true or false",
}
"""What pydantic asks for, by its words, as a pipeline's file has it."""

LONGEST = 60
"""Most characters of a value that a message quotes."""


def first(error: ValidationError, valid: list[str], branches: Sequence[str] = ()) -> str:
    """Pick the finding that explains most, as ``key: what is wrong``: an unknown key before a missing one.

    ``branches``: names of branches of a union, which pydantic gives among the keys and which aren't keys.
    """
    findings = _of_the_named(error.errors(include_url=False))
    finding = next((f for f in findings if f["type"] in UNKNOWN_KEY), findings[0])
    key = ".".join(str(part) for part in finding["loc"] if "[" not in str(part) and part not in branches)
    if len(findings) > 1 and all(_is_name(f) for f in findings):
        return f"{key}: '{finding['input']}' is not one of {', '.join(f['ctx']['expected'] for f in findings)}"
    if finding["type"] in UNKNOWN_KEY:
        unknown = str(finding["loc"][-1])
        return f"{key}: unknown key{nearest(unknown, [name for name in valid if name != unknown])}"
    if finding["type"] == "missing":
        return f"{key}: is missing"
    message = _message(finding)
    return f"{key}: {message}" if key else message


def _message(finding: Any) -> str:
    """Return what was found and what is right, in pydantic's words where they say both."""
    given, context = finding["input"], finding.get("ctx", {})
    if finding["type"] in ("too_long", "too_short"):
        end, which = ("at most", "max_length") if "max_length" in context else ("at least", "min_length")
        return f"{context['actual_length']} values, and must be {end} {context[which]}"
    if finding["type"] == "string_pattern_mismatch":
        return f"{_shown(given)} doesn't match the pattern {context['pattern']}"
    message: str = finding["msg"].removeprefix("Value error, ")
    if message.startswith("Input should "):
        asked = message.removeprefix("Input ")
        for word, in_toml in IN_TOML.items():
            asked = asked.replace(f"be {word}", f"be {in_toml}")
        return f"{_shown(given)} {asked}"
    return message[:1].lower() + message[1:]


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _of_the_named(findings: list[Any]) -> list[Any]:
    """Drop the findings by other branches of a union; keep those about ``name`` if no branch has the name given."""
    names = [f for f in findings if _is_name(f)]
    others = {f["loc"][:-1] for f in names}
    return [f for f in findings if f["loc"][:-1] not in others] or names or findings


def _is_name(finding: Any) -> bool:
    return bool(finding["type"] == "literal_error" and finding["loc"][-1] == "name")


def rounded(given: Any, taken: Any) -> str | None:
    """Return where an integer of the file was rounded to a float, as keys with dots; None where none was.

    The answer is empty for the value itself.
    """
    if isinstance(given, list) and isinstance(taken, list | tuple):
        return next((where for pair in zip(given, taken, strict=False) if (where := rounded(*pair)) is not None), None)
    if isinstance(given, dict):
        parts = taken if isinstance(taken, dict) else {key: getattr(taken, key, None) for key in given}
        inside = ((key, rounded(value, parts.get(key))) for key, value in given.items())
        return next((f"{key}.{where}".rstrip(".") for key, where in inside if where is not None), None)
    return "" if isinstance(given, int) and isinstance(taken, float) and given != taken else None


ROUNDED = "an integer of more than 15 digits, which a float can't hold; write a float"
"""What is wrong with a rounded integer, and what to do."""

DEEPEST = 100
"""Most levels of tables and lists in each other."""


LARGEST_BITS = 1024
"""Most bits of an integer, which are those of the largest float."""


def too_deep(value: Any) -> bool:
    """Check whether tables and lists are nested in each other more than `DEEPEST` times, without recursion."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def too_large(value: Any) -> str | None:
    """Return where an integer is that no float can hold, as keys with dots; None where there is none.

    TOML's hexadecimal, octal and binary integers can be so large that Python doesn't write them in decimal digits.
    """
    if isinstance(value, int):
        return "" if value.bit_length() > LARGEST_BITS else None
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if (where := too_large(inner)) is not None:
            here = f"[{key}]" if isinstance(key, int) else str(key)
            return f"{here}{'' if not where or where.startswith('[') else '.'}{where}"
    return None
