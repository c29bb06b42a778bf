# The signal ops that SignalAnalysis.jl has, or re-exports from DSP.jl and Peaks.jl. The same ops in the same order for SciPy
# are in python/twinbench/frameworks/scipy/signals.py; the contracts are in python/twinbench/ops/signals.
#
# Signals are (samples, records), and `signal` gives them a sampling rate without a copy.

import SignalAnalysis
using SignalAnalysis: DSP, Peaks, samples, signal

const NAME = "SignalAnalysis.jl"
const PACKAGES = ["SignalAnalysis"]
const SUMMARY = "SignalAnalysis.jl: signals with a sampling rate, on DSP.jl"

"""
Apply `f` to each record and stack the results along a new last dimension. A single record isn't copied.
"""
function batch(f::F, x::Matrix{Float64}) where {F}
    size(x, 2) == 1 || return stack(f, eachcol(x))
    y = f(vec(x))
    return reshape(y, size(y)..., 1)
end

"""Design with `fir`, which takes the edges of the pass band."""
function fir_design(p)
    low = p.band == "lowpass" ? 0 : first(p.cutoff_hz)
    high = p.band == "highpass" ? nothing : last(p.cutoff_hz)
    return (; taps = SignalAnalysis.fir(p.taps, low, high; fs = p.rate_hz, method = DSP.FIRWindow(DSP.hamming(p.taps))))
end

"""Filter with `sfilt`, which convolves."""
function fir_filter(p, arrays)
    taps = fir_design(p).taps
    x = batch(record -> samples(SignalAnalysis.sfilt(taps, signal(record, p.rate_hz))), arrays.x)
    return (; arrays..., x)
end

function sections(p)
    band = if p.band == "lowpass"
        DSP.Lowpass(only(p.cutoff_hz))
    elseif p.band == "highpass"
        DSP.Highpass(only(p.cutoff_hz))
    else
        DSP.Bandpass(p.cutoff_hz...)
    end
    return convert(DSP.SecondOrderSections, DSP.digitalfilter(band, DSP.Butterworth(p.order); fs = p.rate_hz))
end

"""Filter from a state of zeros."""
function butterworth_filter(p, arrays)
    return (; arrays..., x = samples(SignalAnalysis.sfilt(sections(p), signal(arrays.x, p.rate_hz))))
end

"""Filter forwards and backwards."""
function zero_phase(p, arrays)
    return (; arrays..., x = samples(SignalAnalysis.sfiltfilt(sections(p), signal(arrays.x, p.rate_hz))))
end

"""Resample with the given taps, whose gain is left to the caller."""
function resample(p, arrays, given)
    taps = p.up .* given.taps
    return (; arrays..., x = samples(SignalAnalysis.sresample(signal(arrays.x, 1.0), p.up // p.down, taps)))
end

"""The time-frequency distribution that is a spectrogram. It pads frames to a length that is fast; those that aren't go to DSP.jl."""
function spectrogram(p, arrays)
    window, nfft, noverlap, fs = DSP.hanning(p.frame + 1)[1:p.frame], p.frame, p.frame - p.hop, p.rate_hz
    kernel = SignalAnalysis.Spectrogram(; nfft, noverlap, window)
    power(record) = if nfft == DSP.nextfastfft(nfft)
        SignalAnalysis.tfd(signal(record, fs), kernel).power
    else
        DSP.spectrogram(record, nfft, noverlap; nfft, fs, window).power
    end
    x = batch(power, arrays.x)
    frequency = (0:(p.frame ÷ 2)) .* (p.rate_hz / p.frame)
    time = ((0:(size(x, 2) - 1)) .* p.hop .+ p.frame / 2) ./ p.rate_hz
    return (; arrays..., x, frequency = collect(frequency), time = collect(time))
end

"""Scale the envelope of `analytic` by the square root of two, because `analytic` has the energy of the signal."""
envelope(p, arrays) = (; arrays..., x = √2 .* abs.(SignalAnalysis.analytic(arrays.x)))

"""Correlate the zero-padded record with `circcorr`, which then wraps only zeros around."""
function autocorrelation(p, arrays)
    count = size(arrays.x, 1)
    kept = min(count, p.lags + 1)
    padding = zeros(DSP.nextfastfft(count + kept - 1) - count)
    function lags(record)
        centred = record .- SignalAnalysis.mean(record)
        r = SignalAnalysis.circcorr([centred; padding])
        return [k <= kept ? real(r[k]) / count : 0.0 for k in 1:(p.lags + 1)]
    end
    return (; arrays..., x = batch(lags, arrays.x))
end

"""Find maxima and prominences with Peaks.jl, which has no rule for the distance between two peaks."""
function find_peaks(p, arrays)
    found = [peaks(p, record) for record in eachcol(arrays.x)]
    return (
        record = Int64[i - 1 for (i, (positions, _, _)) in enumerate(found) for _ in positions],
        position = reduce(vcat, [positions .- 1 for (positions, _, _) in found]; init = Int[]),
        height = reduce(vcat, [heights for (_, heights, _) in found]; init = Float64[]),
        prominence = reduce(vcat, [prominences for (_, _, prominences) in found]; init = Float64[]),
    )
end

function peaks(p, record::AbstractVector{Float64})
    maxima = Peaks.argmaxima(record)
    apart = p.distance > 1 ? maxima[far_apart(maxima, record[maxima], p.distance)] : maxima
    positions, prominences = Peaks.peakproms(apart, record; min = p.prominence)
    return positions, record[positions], Vector{Float64}(prominences)
end

"""Return a mask of the peaks that stay when each, from the highest down, removes those nearer than `distance`."""
function far_apart(positions::Vector{Int}, heights::Vector{Float64}, distance::Int)
    kept = trues(length(positions))
    for i in sortperm(heights; rev = true)
        kept[i] || continue
        first = searchsortedfirst(positions, positions[i] - distance + 1)
        last = searchsortedlast(positions, positions[i] + distance - 1)
        kept[first:last] .= false
        kept[i] = true
    end
    return kept
end

const DEVIATIONS = Dict("signals.zero_phase" => (
    reason = "DSP.jl 0.8.5 computes the steady state of a section by differences that cancel where an edge is near 0 Hz",
    effect = "below some 0.0002 of the rate an output is off by up to 1e-3 of the record's largest value: resample first",
    rtol = 1.0e-9,
    atol = 9.1e-13,
))

const OPS = Dict{String, Function}(
    "signals.fir_design" => fir_design,
    "signals.fir_filter" => fir_filter,
    "signals.butterworth_filter" => butterworth_filter,
    "signals.zero_phase" => zero_phase,
    "signals.resample" => resample,
    "signals.spectrogram" => spectrogram,
    "signals.envelope" => envelope,
    "signals.autocorrelation" => autocorrelation,
    "signals.find_peaks" => find_peaks,
)
