"""Own functions of Python and Julia: whether they give the same answers to the same inputs.

The module itself can be called: ``twinbench.pair(f, "smooth.jl:smooth", inputs=...)``. It is imported in the user's
environments, too, and therefore needs Python 3.9 and the standard library only.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from pathlib import Path

    from twinbench.pair.api import Pair


def pair(
    *functions: Callable[..., Any] | str,
    inputs: Any,
    rtol: float | None = None,
    atol: float | None = None,
    loose_dtypes: bool = False,
    any_order: bool = False,
    compare: Callable[[Any, Any], Any] | None = None,
    mutates: bool = False,
    generate: int | None = None,
    edge: bool = False,
    where: str | None = None,
    seed: int | None = None,
    layout: str = "same",
    threads: int = 1,
    timeout: float = 60.0,
    time: bool = True,
    budget: float = 5.0,
    processes: int | None = None,
    store: str | Path | None = None,
) -> Pair:
    """Compare functions of Python and Julia, the reference first, on inputs and on drawn ones like them.

    A function is a callable, which runs in another process of this interpreter; a text as ``twinbench pair`` takes
    it, such as ``"smooth.jl:smooth"``; or Julia code whose last value is the function. A text is Julia code if it has
    a line break, ``->`` or ``) =``, or begins with ``function``.

    ``inputs`` is a tuple of arguments by position, or a dict of arguments by name, if the reference has these names.
    Any other dict holds several inputs by label: each a tuple, a dict of arguments by name, or the only argument. A
    callable returns or yields inputs, as ``--inputs`` describes. Anything else is the only argument. An argument is a
    number, a string, an array, a table, a list or dict of these, or a `pathlib.Path` of a file that ``--input`` reads.

    Functions that agree are timed side by side, unless ``time`` is false, and the times are a run of the store: the
    file ``store``, or that of ``twinbench run``.

    The options mean what those of ``twinbench pair`` mean. Raises BadInput, JuliaUnavailable and TwinbenchError.
    """
    from twinbench.pair import api

    options = {name: value for name, value in locals().items() if name not in ("api", "functions", "inputs")}
    return api.pair(functions, inputs, **options)


class _Callable(types.ModuleType):
    """A module that is a function, too: importing any module of this room makes it ``twinbench.pair``."""

    __call__ = staticmethod(pair)


sys.modules[__name__].__class__ = _Callable
