"""The SignalAnalysis.jl framework, compiled ahead for long records and for batches of short ones."""
module TwinBenchSignalAnalysisExt

import TwinBench
using PrecompileTools: @compile_workload, @setup_workload

include("../src/frameworks/signalanalysis.jl")

function __init__()
    TwinBench.use_threads!(SignalAnalysis.FFTW)
    return TwinBench.register!(@__MODULE__)
end

@setup_workload begin
    fir = (taps = 101, cutoff_hz = [100.0, 200.0], rate_hz = 1000.0, band = "bandpass")
    butterworth = (order = 4, fir.cutoff_hz, fir.rate_hz, fir.band)
    frames = (rate_hz = 1000.0, frame = 64, hop = 32)
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
            for p in (
                    butterworth,
                    (; butterworth..., cutoff_hz = [100.0], band = "lowpass"),
                    (; butterworth..., cutoff_hz = [100.0], band = "highpass"),
                )
                butterworth_filter(p, arrays)
                zero_phase(p, arrays)
            end
            for (up, down) in ((3, 2), (1, 2), (2, 1))
                resample((; up, down), arrays, (; taps = rand(61)))
            end
            spectrogram(frames, arrays)
            envelope((;), arrays)
            autocorrelation((; lags = 10), arrays)
            TwinBench.neutral(find_peaks((prominence = 0.1, distance = 2), arrays))
        end
    end
end

end
