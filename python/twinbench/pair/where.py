"""Conditions between arguments, as in ``--where "k < len(x)"``: read as an expression, and never run as code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from twinbench.errors import BadInput, nearest
from twinbench.pair.callee.values import Masked, Table

LARGEST = 10**12
"""Largest whole number, and the length of a result, with which a condition calculates."""

LONGEST = 500
"""Characters of a condition."""

ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


def _size(value: Any) -> int:
    return value.rows if isinstance(value, Table) else len(value.values if isinstance(value, Masked) else value)


def _all(value: Any) -> bool:
    import numpy as np

    return bool(np.all(value))


def _any(value: Any) -> bool:
    import numpy as np

    return bool(np.any(value))


def _extreme(choose: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *values: choose(values if len(values) > 1 else list(values[0]))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "len": _size,
    "min": _extreme(min),
    "max": _extreme(max),
    "sum": lambda values: sum(values.tolist() if hasattr(values, "tolist") else values),
    "abs": abs,
    "all": _all,
    "any": _any,
}
"""What a condition may call."""


class Condition:
    """A condition on the arguments of a call, by name."""

    def __init__(self, text: str, names: list[str]) -> None:
        """Read a condition. Raises BadInput for what isn't an expression of arguments, numbers and `FUNCTIONS`."""
        self.text = text
        if len(text) > LONGEST:
            raise BadInput(f"--where: has {len(text)} characters; a condition may have {LONGEST}")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BadInput(f"--where '{text}': is not an expression; try 'k < len(x)'") from None
        self._names = names
        self._check(self._tree)

    def _check(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name) and node.id not in (*self._names, *FUNCTIONS):
            raise BadInput(f"--where '{self.text}': no argument is named '{node.id}'{nearest(node.id, self._names)}")
        allowed = (ast.Name, ast.Constant, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Subscript, ast.Call)
        fits = isinstance(node, allowed) or (isinstance(node, ast.Attribute) and node.attr in ("shape", "ndim"))
        if isinstance(node, ast.BinOp):
            fits = type(node.op) in ARITHMETIC
        elif isinstance(node, ast.UnaryOp):
            fits = not isinstance(node.op, ast.Invert)
        elif isinstance(node, ast.Compare):
            fits = all(type(op) in COMPARISONS for op in node.ops)
        elif isinstance(node, ast.Call):
            fits = isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords
        if not fits:
            raise BadInput(
                f"--where '{self.text}': '{ast.unparse(node)}' is not allowed; use arguments, numbers, comparisons, "
                f"+ - * / // %, and, or, not, [i], .shape, .ndim, {', '.join(FUNCTIONS)}"
            )
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._check(child)

    def holds(self, arguments: Mapping[str, Any]) -> bool:
        """Whether the condition holds for arguments by name; False where it can't be computed for them."""
        try:
            return _all(self._value(self._tree, arguments))
        except (TypeError, ValueError, IndexError, KeyError, ArithmeticError, AttributeError):
            return False

    def _value(self, node: ast.expr, names: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return names[node.id]
            case ast.BoolOp(op=ast.And()):
                return all(_all(self._value(part, names)) for part in node.values)
            case ast.BoolOp():
                return any(_all(self._value(part, names)) for part in node.values)
            case ast.UnaryOp(op=ast.Not()):
                return not _all(self._value(node.operand, names))
            case ast.UnaryOp():
                value = self._value(node.operand, names)
                return -value if isinstance(node.op, ast.USub) else +value
            case ast.BinOp():
                return self._computed(ARITHMETIC[type(node.op)], node, names)
            case ast.Compare():
                values = [self._value(part, names) for part in (node.left, *node.comparators)]
                pairs = zip(node.ops, values, values[1:], strict=False)
                results = [COMPARISONS[type(op)](a, b) for op, a, b in pairs]
                return results[0] if len(results) == 1 else all(map(_all, results))
            case ast.Attribute():
                return getattr(self._value(node.value, names), node.attr)
            case ast.Subscript():
                value = self._value(node.value, names)
                return (value.columns if isinstance(value, Table) else value)[self._value(node.slice, names)]
            case ast.Call(func=ast.Name(id=name)):
                return FUNCTIONS[name](*(self._value(part, names) for part in node.args))
        raise TypeError(f"{type(node).__name__} has no value")

    def _computed(self, compute: Callable[[Any, Any], Any], node: ast.BinOp, names: Mapping[str, Any]) -> Any:
        left, right = self._value(node.left, names), self._value(node.right, names)
        for value in (left, right):
            if isinstance(value, (str, bytes, list, tuple, dict)) or (isinstance(value, int) and abs(value) > LARGEST):
                raise TypeError("conditions calculate with numbers and arrays only")
        return compute(left, right)
