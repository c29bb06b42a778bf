"""The JuliaImages framework, compiled ahead for grey and for RGB images."""
module TwinBenchImagesExt

import TwinBench
using PrecompileTools: @compile_workload

include("../src/frameworks/images.jl")
include("../src/workloads/images.jl")

__init__() = TwinBench.register!(@__MODULE__)

@compile_workload exercise(@__MODULE__)

end
