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
end

@testset "nothing in the loops over frames and peaks is dispatched at run time" begin
    signals, analysis = TwinBench.FRAMEWORKS["DSP.jl"], TwinBench.FRAMEWORKS["SignalAnalysis.jl"]
    JET.@test_opt target_modules = (signals,) signals.crossings([1.0, -1.0])
    JET.@test_opt target_modules = (signals,) signals.centroid_and_spread([1.0, 2.0])
    JET.@test_opt target_modules = (signals,) signals.entropy_and_rolloff(ones(20))
    JET.@test_opt target_modules = (analysis,) analysis.far_apart([1, 2], [0.5, 1.0], 3)
end

@testset "nothing in the loops over pixels is dispatched at run time" begin
    images, grey = TwinBench.FRAMEWORKS["JuliaImages"], [zeros(Gray{N0f8}, 2, 3)]
    colours = [zeros(RGB{N0f8}, 2, 3)]
    JET.@test_opt target_modules = (images,) images.levels(zeros(RGB{Float32}, 2, 3))
    JET.@test_opt target_modules = (images,) images.normalised(grey, [0.5f0], [0.5f0])
    JET.@test_opt target_modules = (images,) images.normalised(colours, [0.5f0], [0.5f0])
    JET.@test_opt target_modules = (images,) images.constant(grey[1])
end

@testset "calls into other packages have a method" begin
    tables, images = TwinBench.FRAMEWORKS["DataFrames.jl"], TwinBench.FRAMEWORKS["JuliaImages"]
    JET.@test_call target_modules = (tables,) tables.parse_times(["2013-01-01T05:00:00Z"])
    JET.@test_call target_modules = (images,) images.magnitude(zeros(Gray{N0f8}, 2, 3))
    JET.@test_call target_modules = (images,) images.middle(zeros(RGB{N0f8}, 2, 3), 3)
end
