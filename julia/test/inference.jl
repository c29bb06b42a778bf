@testset "JET finds no error" begin
    JET.test_package(TwinBench; target_defined_modules = true)
end

@testset "nothing in the timed kernel is dispatched at run time" begin
    call = TwinBench.Call(TwinBench.Probe.noop, (;), ())
    JET.@test_opt target_modules = (TwinBench,) TwinBench.timed(call, 1)
    JET.@test_opt target_modules = (TwinBench,) TwinBench.burst(call, 1, 1, 0)
end

@testset "nothing in the loops over rows is dispatched at run time" begin
    tables, numbers, rows = TwinBench.FRAMEWORKS["DataFrames.jl"], [1.0, 2.0], [2, 1]
    JET.@test_opt target_modules = (tables,) tables.rolling_mean(numbers, 2)
    JET.@test_opt target_modules = (tables,) tables.z_scores(numbers)
    JET.@test_opt target_modules = (tables,) tables.fill_row!(zeros(Float32, 1, 2), 1, 1:2, numbers, rows)
    JET.@test_opt target_modules = (tables,) tables.mark!([zeros(UInt8, 2)], [1, missing])
    JET.@test_call target_modules = (tables,) tables.parse_times(["2013-01-01T05:00:00Z"])
end
