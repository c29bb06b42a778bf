"""The crossing from NumPy to Julia's frameworks and back. All that is in here needs a Julia that runs, or starts it.

NumPy's memory is lent to Julia by address; see ``julia/src/crossing.jl`` for the other side. This file knows no library
by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.errors import JuliaUnavailable, nearest
from twinbench.julia.start import start
from twinbench.ops.contract import Arrays, Kind
from twinbench.usercode.function import Function, UserCodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray


TYPES = {"bool": "Bool", "complex64": "ComplexF32", "complex128": "ComplexF64"} | {
    f"{kind.lower()}{bits}": f"{kind}{bits}"
    for kind, sizes in {"Int": (8, 16, 32, 64), "UInt": (8, 16, 32, 64), "Float": (16, 32, 64)}.items()
    for bits in sizes
}
"""Julia's names of NumPy's dtypes of numbers."""


class JuliaOp:
    """A Julia function for one op. Called from Python it crosses juliacall; `bind` gives what Julia can time itself."""

    def __init__(self, op: str, module: Callable[[], Any], source: Path) -> None:
        self.op = op
        self.source = source
        """The file that holds the function, for the fingerprint of the implementation."""
        self._module = module
        self._function: Any = None

    @property
    def function(self) -> Any:
        """The raw Julia function. Julia must have been started, by the framework's `load`."""
        if self._function is None:
            self._function = _bridge().op(self._module(), self.op)
        return self._function

    def bind(self, params: Any, *inputs: Any) -> Any:
        """Return a Julia ``Call``: the function with its parameters, converted once, and its native inputs."""
        return _bridge().call(self.function, native_params(params), inputs)

    def __call__(self, params: Any, *inputs: Any) -> Any:
        """Run once: native inputs, native result."""
        return self.function(native_params(params), *inputs)


class OwnJuliaOp:
    """A function of the user's in Julia. It is called as a `JuliaOp` is, with its parameters by name in a mapping."""

    def __init__(self, function: Function) -> None:
        self.own = function
        self._function: Any = None

    def load(self) -> None:
        """Include the user's file, once in a process. Julia must have been started. Raises UserCodeError."""
        self.own.require_unchanged()
        jl = _bridge()
        try:
            module = jl.own_file(self.own.file)
        except Exception as error:  # whatever the file does
            raise UserCodeError(f"{Path(self.own.file).name} can't be included: {self.own.described(error)}") from error
        try:
            self._function = jl.own_op(module, self.own.name)
        except Exception:
            hint = nearest(self.own.name, [str(name) for name in jl.own_names(module)])
            raise UserCodeError(f"{Path(self.own.file).name} has no function '{self.own.name}'{hint}") from None

    def bind(self, params: Mapping[str, Any], *inputs: Any) -> Any:
        """Return a Julia ``Call``: the function with its parameters, converted once, and its native inputs."""
        return _bridge().call(self._function, _bridge().named(_values(params.items())), inputs)

    def __call__(self, params: Mapping[str, Any], *inputs: Any) -> Any:
        """Run once: native inputs, native result."""
        return self._function(_bridge().named(_values(params.items())), *inputs)


class _Bridge:
    """Julia's functions, looked up once: every attribute look-up on a Julia module costs 6 us."""

    def __init__(self, main: Any) -> None:
        module = main.TwinBench
        self.main = main
        self.op = module.op
        self.call = module.Call
        self.framework = module.framework
        self.values = module.Values
        self.add = module.seval("add!")
        self.lend = module.seval("lend!")
        self.lend_text = module.seval("lend_text!")
        self.named = module.named
        self.placed = module.placed
        self.mapping = module.mapping
        self.vector = module.vector
        self.neutral = module.neutral
        self.facts = module.facts
        self.texts = module.texts
        self.model_arrays = module.model_arrays
        self.own_file = module.own_file
        self.own_op = module.own_op
        self.own_names = module.own_names
        self.thread_counts = module.thread_counts
        self.types = {name: getattr(main, julia) for name, julia in TYPES.items()}


_started: list[_Bridge] = []
"""The one Julia of this process, once it runs: Julia can't be started twice."""


def _bridge() -> _Bridge:
    if not _started:
        raise JuliaUnavailable("Julia is not started in this process; load a Julia framework first")
    return _started[0]


def load(packages: Iterable[str], threads: int) -> None:
    """Start Julia if this process has none yet, and load the packages, which brings our extension along."""
    if not _started:
        _started.append(_Bridge(start(threads)))
    for package in packages:
        _bridge().main.seval(f"import {package}")
    _bridge().main.TwinBench.load_together()


def engine(packages: Iterable[str], module: Callable[[], Any]) -> dict[str, str]:
    """Return the versions of the live Julia and its packages, its BLAS, and what the framework's module adds."""
    main = _bridge().main
    versions = {package: str(main.seval(f"string(pkgversion({package}))")) for package in packages}
    parts = main.TwinBench.engine(module())
    backend = {str(name): str(description) for name, description in zip(*parts, strict=True)}
    return {"julia": str(main.seval("string(VERSION)"))} | versions | backend


def cuda(module: Callable[[], Any]) -> Callable[[], object]:
    """Arrays go to the device by CUDA.jl, which the framework's module is given; Julia's own clock waits for it."""
    main = _bridge().main
    for package in ("CUDA", "cuDNN"):
        if not main.seval(f'!isnothing(Base.find_package("{package}"))'):
            raise RuntimeError(f"the Julia project lacks {package}; add it with Pkg")
        main.seval(f"import {package}")
    if not main.seval("CUDA.functional()"):
        raise RuntimeError("CUDA.jl finds no CUDA device that works; CUDA.versioninfo() in Julia says more")
    module().use(main.seval("CUDA.CuArray"))
    main.TwinBench.wait_for(main.seval("CUDA.synchronize"))
    return lambda: main.CUDA.synchronize()


@cache
def loaded_module(name: str, file: Path) -> Any:
    """Return the Julia module of a framework, by its name or else from its file."""
    return _bridge().framework(name, str(file))


def native_params(value: Any) -> Any:
    """Return an op's parameters in Julia: a NamedTuple; mappings become vectors of pairs, sequences vectors."""
    jl = _bridge()
    if is_dataclass(value):
        return jl.named(_values((field.name, getattr(value, field.name)) for field in fields(value)))
    if isinstance(value, Mapping):
        return jl.mapping(_values(value.items()))
    if isinstance(value, (list, tuple)):
        return jl.vector(_values(("", item) for item in value))
    return value


def _values(items: Iterable[tuple[str, Any]]) -> Any:
    jl = _bridge()
    values = jl.values()
    for name, value in items:
        jl.add(values, name, native_params(value))
    return values


def prepare(module: Callable[[], Any], arrays: Arrays, kind: Kind) -> Any:
    """NumPy arrays to a table, images or a model of the framework or, for ``arrays``, to arrays that borrow the memory.

    A C-ordered (rows, features) array is (features, rows) in Julia, without a copy.
    """
    lent = _lend(arrays)
    if kind == "table":
        return module().table(lent)
    named = _bridge().named(lent)
    if kind == "model":
        return module().model(named)
    return module().images(named) if kind == "images" else _bridge().placed(module(), named)


def _lend(arrays: Arrays) -> Any:
    import numpy as np

    jl = _bridge()
    values = jl.values()
    for name, array in arrays.items():
        kept = np.require(array, requirements=["C_CONTIGUOUS", "ALIGNED"])
        address = kept.ctypes.data
        if kept.dtype.kind == "U":
            jl.lend_text(values, name, address, (kept.dtype.itemsize // 4, len(kept)), kept)
        else:
            jl.lend(values, name, jl.types[kept.dtype.name], address, kept.shape[::-1], kept)
    return values


def extract(value: Any, kind: Kind) -> Arrays:
    """Return a native value as NumPy arrays of the same dtypes; they share Julia's memory and keep it alive."""
    import numpy as np

    arrays: Arrays = {}
    for pair in _bridge().neutral(_bridge().model_arrays(value) if kind == "model" else value):
        array = np.asarray(pair[1]).T
        is_text = array.ndim == 2 and (kind == "table" or (array.dtype.name == "uint32" and _is_text(value, pair[0])))
        arrays[pair[0]] = _text(array) if is_text else array
    return arrays


def _is_text(value: Any, name: str) -> bool:
    return name in {str(text) for text in _bridge().texts(value)}


def _text(code_points: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    rows, width = code_points.shape
    return np.ascontiguousarray(code_points).view(f"<U{width}").reshape(rows)


def type_name(value: Any) -> str:
    """Return Julia's name of the type of a value."""
    return str(_bridge().main.typeof(value))


def threads() -> Mapping[str, int]:
    """Threads of Julia and of its BLAS, as they report themselves."""
    names, counts = _bridge().thread_counts()
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Return the Julia type of every column or array, with pooling and sizes."""
    return {str(pair[0]): str(pair[1]) for pair in _bridge().facts(value)}
