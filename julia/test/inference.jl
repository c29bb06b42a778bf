import JET
import CSV, DataFrames, Flux

@testset "JET finds no error" begin
    JET.test_package(TwinBench; target_defined_modules = true)
end

@testset "nothing in the timed kernel is dispatched at run time" begin
    call = TwinBench.Call(TwinBench.Probe.noop, (;), ())
    JET.@test_opt target_modules = (TwinBench,) TwinBench.timed(call, 1)
    JET.@test_opt target_modules = (TwinBench,) TwinBench.burst(call, 1, 1, 0)
end
