"""The environment variables of a worker: some of the harness's own, and the same size for every thread pool."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping

from twinbench.julia.find import find
from twinbench.julia.start import environment

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "JULIA_NUM_THREADS",
)
"""Variables by which frameworks size their thread pools at import; all are set to the run's number of threads."""

PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_*",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "OPENBLAS_CORETYPE",
    "MKL_ENABLE_INSTRUCTIONS",
    "JULIA_*",
    "PYTHON_JULIACALL_*",
    "PYTHON_JULIAPKG_*",
    "TWINBENCH_*",
    "XDG_*",
)
"""Patterns of the variables that workers inherit. No other variable of the user's can change a result."""


def variables_of_worker(threads: int, device: str = "cpu", *, uses_julia: bool) -> dict[str, str]:
    """Return the variables of a worker, with those that Julia needs if it starts one. Raises JuliaUnavailable."""
    extra = environment(find(), threads) if uses_julia else {}
    return worker_environment(threads, extra, device)


def worker_environment(threads: int, extra: Mapping[str, str] | None = None, device: str = "cpu") -> dict[str, str]:
    """Return the harness's own variables that are listed, one number for every thread pool, and ``extra`` on top."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in PASSED_ON)
    }
    return {
        **inherited,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "OMP_DYNAMIC": "FALSE",
        "MKL_DYNAMIC": "FALSE",
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",  # the working directory holds data, not modules
        "TF_CPP_MIN_LOG_LEVEL": "2",  # warnings and errors only
        **_device_variables(device),
        **(extra or {}),
    }


def _device_variables(device: str) -> dict[str, str]:
    """Return the variables that hide the GPUs, or show one: a library may use a GPU without being asked."""
    if device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": ""}
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
    return {
        "CUDA_VISIBLE_DEVICES": chosen,  # one device, for every library
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it cuBLAS may sum in another order in every run
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # stacks are alive at once, and share the device's memory
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
