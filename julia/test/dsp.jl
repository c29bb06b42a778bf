const Signals = TwinBench.FRAMEWORKS["DSP.jl"]

const FIR = (taps = 31, cutoff_hz = [120.0], rate_hz = 1000.0, band = "lowpass")
const BUTTERWORTH = (order = 4, cutoff_hz = [120.0], rate_hz = 1000.0, band = "lowpass")
const FRAMES = (rate_hz = 1000.0, frame = 64, hop = 20)

"""Two records, and one, of the same samples; and labels that an op has to pass on."""
two() = (x = [sin(n^2 / 7 + record) for n in 1:300, record in 1:2], y = [3, 4])
one() = (; x = two().x[:, 1:1])

"""Every op that takes signals, with its parameters and what is given."""
calls() = (
    "signals.fir_filter" => (FIR,),
    "signals.butterworth_filter" => (BUTTERWORTH,),
    "signals.zero_phase" => (BUTTERWORTH,),
    "signals.fft_convolve" => ((; length = 9), (; kernel = collect(1.0:9))),
    "signals.resample" => ((up = 3, down = 2), (; taps = ones(61) ./ 61)),
    "signals.welch" => (FRAMES,),
    "signals.stft" => (FRAMES,),
    "signals.spectrogram" => (FRAMES,),
    "signals.envelope" => ((;),),
    "signals.autocorrelation" => ((; lags = 5),),
    "signals.short_term_features" => ((frame = 64, hop = 20),),
    "signals.mfcc" => ((; FRAMES..., bands = 6, coefficients = 4),),
)

@testset "DSP.jl" begin
    @testset "$op gives a record the same result in a batch and alone, and leaves its input" for (
            op,
            (p, given...),
        ) in calls()
        batch, before = two(), deepcopy(two())
        together = TwinBench.op(Signals, op)(p, batch, given...)
        alone = TwinBench.op(Signals, op)(p, one(), given...)
        @test batch == before
        @test together.y === batch.y
        @test selectdim(together.x, ndims(together.x), 1:1) ≈ alone.x
        @test together.x isa Array{eltype(alone.x), ndims(alone.x)}
    end

    @testset "fir_design has gain 1 in its pass band, and the half of it at its edge" begin
        taps = Signals.fir_design(FIR).taps
        @test sum(taps) ≈ 1
        @test abs(sum(taps .* cispi.(-2 * 120 / 1000 .* (0:30)))) ≈ 0.5 atol = 0.01
    end

    @testset "a filter of one sample is its first tap" begin
        taps = Signals.fir_design(FIR).taps
        @test Signals.fir_filter(FIR, (; x = [2.0;;])).x ≈ [2 * taps[1];;]
    end

    @testset "resample keeps a constant, as long as it should be" begin
        p = (up = 3, down = 2)
        taps = [sinc(m / 3) * (1 + cospi(m / 30)) for m in -30:30]
        y = Signals.resample(p, (; x = ones(201, 1)), (; taps = taps ./ sum(taps))).x
        @test size(y) == (302, 1)
        @test y[60:240, 1] ≈ ones(181) rtol = 0.01
    end

    @testset "a tone of amplitude a has the power a^2 / 2 per resolution" begin
        x = reshape([3 * sinpi(2 * 125 * n / 1000) for n in 0:1023], :, 1)
        psd = Signals.welch((rate_hz = 1000.0, frame = 64, hop = 32), (; x))
        @test sum(psd.x) * 1000 / 64 ≈ 4.5 rtol = 1.0e-6
        @test psd.frequency[argmax(vec(psd.x))] == 125
        @test Signals.envelope((;), (; x)).x ≈ fill(3, 1024, 1)
    end

    @testset "autocorrelation has the variance first, and zeros beyond the record" begin
        r = Signals.autocorrelation((; lags = 6), (; x = reshape([1.0, 3.0, 2.0, 2.0], :, 1))).x
        @test r ≈ [2, -1, 0, 0, 0, 0, 0][:, :] ./ 4 atol = 1.0e-12
    end

    @testset "silence has features" begin
        features = Signals.short_term_features((frame = 40, hop = 40), (; x = zeros(80, 1))).x
        @test features == zeros(6, 2, 1)
    end

    @testset "a summary has means, then deviations by n" begin
        x = reshape([1.0 3.0; 5.0 5.0], 2, 2, 1)
        @test Signals.summarise((;), (; x)).x == [2; 5; 1; 0;;]
    end

    @testset "read_wav cuts and fills, with labels and the split" begin
        folder = mktempdir()
        for (part, name, samples) in (("train", "7-a", Int16[1, 2, 3]), ("test", "3-b", Int16[-32768]))
            mkpath(joinpath(folder, part))
            WAV.wavwrite(samples, joinpath(folder, part, "$name.wav"); Fs = 8000, nbits = 16)
        end
        read = Signals.read_wav((; samples = 2), folder)
        @test read.x == [1 -32768; 2 0] ./ 32768
        @test read.y == [7, 3]
        @test read.test::Vector{UInt8} == [0, 1]
    end

    @testset "the kernels are inferred" begin
        @inferred Signals.crossings([1.0, -1.0])
        @inferred Signals.centroid_and_spread([1.0, 2.0])
        @inferred Signals.entropy_and_rolloff(ones(20))
        @inferred Signals.autocorrelation((; lags = 2), one())
    end
end
