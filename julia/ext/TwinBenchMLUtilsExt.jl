"""The MLUtils.jl framework."""
module TwinBenchMLUtilsExt

import TwinBench
using PrecompileTools: @compile_workload, @setup_workload

include("../src/frameworks/mlutils.jl")

__init__() = TwinBench.register!(@__MODULE__)

@setup_workload begin
    arrays = (x = rand(3, 4), y = [0, 1, 0, 1])
    @compile_workload begin
        TwinBench.neutral(split((; flatten = true), arrays, (train = [0, 1, 3], test = [2])))
        TwinBench.neutral(kfold((; folds = 2), arrays, (; order = [1, 0, 2, 3])))
        TwinBench.neutral(batches((; batch_size = 3), arrays, (; order = [1, 0, 2, 3])))
    end
end

end
