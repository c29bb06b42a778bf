"""What a contract says of arguments that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def refusal(function: Callable[..., Any], *arguments: Any) -> str:
    """The message by which a contract refuses its arguments; empty where it accepts them."""
    try:
        function(*arguments)
    except ValueError as error:
        return str(error)
    return ""
