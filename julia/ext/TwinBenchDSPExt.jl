"""The DSP.jl framework, compiled ahead for long records and for batches of short ones."""
module TwinBenchDSPExt

import TwinBench
using PrecompileTools: @compile_workload, @setup_workload

include("../src/frameworks/dsp.jl")

function __init__()
    TwinBench.use_threads!(FFTW)
    return TwinBench.register!(@__MODULE__)
end

@setup_workload begin
    fir = (taps = 101, cutoff_hz = [100.0, 200.0], rate_hz = 1000.0, band = "bandpass")
    butterworth = (order = 4, fir.cutoff_hz, fir.rate_hz, fir.band)
    frames = (rate_hz = 1000.0, frame = 64, hop = 32)
    spoken = (; frames..., bands = 8, coefficients = 4)
    @compile_workload begin
        for records in (1, 2)
            arrays = (; x = rand(4000, records))
            for p in (
                    fir,
                    (; fir..., cutoff_hz = [100.0], band = "lowpass"),
                    (; fir..., cutoff_hz = [100.0], band = "highpass"),
                )
                fir_filter(p, arrays)
            end
            fir_filter((; fir..., taps = 31), arrays)
            for p in (
                    butterworth,
                    (; butterworth..., cutoff_hz = [100.0], band = "lowpass"),
                    (; butterworth..., cutoff_hz = [100.0], band = "highpass"),
                )
                butterworth_design((; p..., points = 8))
                butterworth_filter(p, arrays)
                zero_phase(p, arrays)
            end
            fft_convolve((; length = 100, seed = 0), arrays, (; kernel = rand(100)))
            for (up, down) in ((3, 2), (1, 2), (2, 1))
                resample((; up, down), arrays, (; taps = rand(61)))
            end
            welch(frames, arrays)
            stft(frames, arrays)
            summarise((;), spectrogram(frames, arrays))
            envelope((;), arrays)
            autocorrelation((; lags = 10), arrays)
            summarise((;), short_term_features((frame = 64, hop = 32), arrays))
            TwinBench.neutral(summarise((;), mfcc(spoken, arrays)))
        end
        folder = mktempdir()
        for part in ("train", "test")
            mkdir(joinpath(folder, part))
            WAV.wavwrite(Int16[1, 2, 3], joinpath(folder, part, "1-a.wav"); Fs = 8000, nbits = 16)
        end
        TwinBench.neutral(read_wav((; samples = 4), folder))
        rm(folder; recursive = true)
    end
end

end
