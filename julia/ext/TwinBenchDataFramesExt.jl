"""The DataFrames.jl framework, compiled ahead for the column types that CSV.jl makes and the ops then leave."""
module TwinBenchDataFramesExt

import TwinBench
using PrecompileTools: @compile_workload

include("../src/frameworks/dataframes.jl")
include("../src/workloads/dataframes.jl")

__init__() = TwinBench.register!(@__MODULE__)

@compile_workload exercise(@__MODULE__)

end
