"""The Flux framework, with the gradients of small networks of every kind compiled ahead."""
module TwinBenchFluxExt

import TwinBench
using PrecompileTools: @compile_workload

include("../src/frameworks/flux.jl")
include("../src/workloads/flux.jl")

__init__() = TwinBench.register!(@__MODULE__)

@compile_workload exercise(@__MODULE__)

end
