const Analysis = TwinBench.FRAMEWORKS["SignalAnalysis.jl"]

@testset "SignalAnalysis.jl" begin
    batch() = (x = [sin(n^2 / 7 + record) for n in 1:300, record in 1:2], y = [3, 4])
    fir = (taps = 31, cutoff_hz = [120.0], rate_hz = 1000.0, band = "lowpass")
    butterworth = (order = 4, cutoff_hz = [120.0], rate_hz = 1000.0, band = "lowpass")
    calls = (
        "signals.fir_filter" => (fir,),
        "signals.butterworth_filter" => (butterworth,),
        "signals.zero_phase" => (butterworth,),
        "signals.resample" => ((up = 3, down = 2), (; taps = ones(61) ./ 61)),
        "signals.spectrogram" => ((rate_hz = 1000.0, frame = 64, hop = 20),),
        "signals.spectrogram" => ((rate_hz = 1000.0, frame = 67, hop = 20),),
        "signals.envelope" => ((;),),
        "signals.autocorrelation" => ((; lags = 5),),
    )
    @testset "$op gives a record the same result in a batch and alone, and leaves its input" for (
            op,
            (p, given...),
        ) in calls
        arrays = batch()
        together = TwinBench.op(Analysis, op)(p, arrays, given...)
        alone = TwinBench.op(Analysis, op)(p, (; x = arrays.x[:, 1:1]), given...)
        @test arrays == batch()
        @test together.y === arrays.y
        @test selectdim(together.x, ndims(together.x), 1:1) ≈ alone.x
    end

    @testset "the higher of two near peaks stays, and then the prominent ones" begin
        x = reshape([0.0, 2, 1, 3, 0, 0.5, 0.2, 4, 1], :, 1)
        all_of_them = Analysis.find_peaks((prominence = 0.0, distance = 1), (; x))
        @test all_of_them.position == [1, 3, 5, 7]
        @test all_of_them.prominence ≈ [1, 3, 0.3, 3]
        near = Analysis.find_peaks((prominence = 0.5, distance = 3), (; x))
        @test near.position == [3, 7]
        @test near.height == [3, 4]
        @test isempty(Analysis.find_peaks((prominence = 9.0, distance = 1), (; x)).position)
    end

    @testset "peaks are counted by record" begin
        x = [0.0 0; 1 0; 0 2; 0 0]
        found = Analysis.find_peaks((prominence = 0.5, distance = 1), (; x))
        @test (found.record, found.position) == ([0, 1], [1, 2])
    end
end
