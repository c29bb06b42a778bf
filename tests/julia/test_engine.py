"""What executes a Julia framework's calls is recorded, beside the versions of its packages."""

from __future__ import annotations

from typing import Any

NAME = "Flux"


def test_the_backend_of_flux_is_read_from_the_live_julia(in_julia: Any):
    engine = in_julia("engine", NAME)
    assert set(engine) == {"julia", "Flux", "JLD2", "blas", "gradients", "kernels", "arrays"}
    assert engine["blas"].startswith("lib")
    assert engine["gradients"].startswith("Zygote 0.")
    assert engine["arrays"] == "Array"
