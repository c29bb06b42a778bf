"""The MFCC.jl framework."""
module TwinBenchMFCCExt

import TwinBench
using PrecompileTools: @compile_workload, @setup_workload

include("../src/frameworks/mfcc.jl")

__init__() = TwinBench.register!(@__MODULE__)

@setup_workload begin
    p = (rate_hz = 1000.0, frame = 64, hop = 32, bands = 8, coefficients = 4)
    @compile_workload begin
        TwinBench.neutral(mfcc(p, (; x = rand(256, 2))))
    end
end

end
