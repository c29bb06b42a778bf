# The signal ops for DSP.jl with FFTW.jl and WAV.jl. The same ops in the same order for SciPy are in
# python/twinbench/frameworks/scipy/signals.py; the contracts are in python/twinbench/ops/signals/.
#
# DSP.jl is imported and never `using`: other packages export the same names. Signals are (samples, records), the same bytes as
# the contracts' row-major (records, samples).

import DSP
import FFTW
import WAV
using LinearAlgebra: mul!
using Statistics: mean, std

const NAME = "DSP.jl"
const PACKAGES = ["DSP", "FFTW", "WAV"]
const SUMMARY = "DSP.jl with FFTW.jl: filters and spectra in Julia"

"""
Apply `f` to each record and stack the results along a new last dimension. A single record isn't copied.
"""
function batch(f::F, x::Matrix{Float64}) where {F}
    size(x, 2) == 1 || return stack(f, eachcol(x))
    y = f(vec(x))
    return reshape(y, size(y)..., 1)
end

function band(p)
    p.band == "lowpass" && return DSP.Lowpass(only(p.cutoff_hz))
    p.band == "highpass" && return DSP.Highpass(only(p.cutoff_hz))
    return DSP.Bandpass(p.cutoff_hz...)
end

"""Design the taps of a windowed sinc."""
fir_design(p) = (; taps = DSP.digitalfilter(band(p), DSP.FIRWindow(DSP.hamming(p.taps)); fs = p.rate_hz))

"""Filter with `filt`, which works directly or by FFT in overlapping blocks, depending on the number of taps."""
fir_filter(p, arrays) = (; arrays..., x = DSP.filt(fir_design(p).taps, arrays.x))

sections(p) = convert(DSP.SecondOrderSections, DSP.digitalfilter(band(p), DSP.Butterworth(p.order); fs = p.rate_hz))

"""Compute the response of the sections."""
function butterworth_design(p)
    frequency = (0:(p.points - 1)) .* (p.rate_hz / 2p.points)
    return (; frequency = collect(frequency), response = DSP.freqresp(sections(p), 2π .* frequency ./ p.rate_hz))
end

"""Filter from a state of zeros."""
butterworth_filter(p, arrays) = (; arrays..., x = DSP.filt(sections(p), arrays.x))

"""Filter forwards and backwards with `filtfilt`."""
zero_phase(p, arrays) = (; arrays..., x = DSP.filtfilt(sections(p), arrays.x))

"""Convolve with `conv`, which uses one FFT or overlapping blocks."""
function fft_convolve(p, arrays, given)
    return (; arrays..., x = batch(record -> DSP.conv(record, given.kernel; algorithm = :fft), arrays.x))
end

"""Resample with the given taps, whose gain DSP.jl leaves to the caller."""
function resample(p, arrays, given)
    return (; arrays..., x = DSP.resample(arrays.x, p.up // p.down, p.up .* given.taps; dims = 1))
end

"""Return the periodic window: DSP.jl's own begins and ends with a zero, or is centred at the first sample."""
hann(frame) = DSP.hanning(frame + 1)[1:frame]

frequencies(p) = collect(FFTW.rfftfreq(p.frame, p.rate_hz))

times(p, frames) = ((0:(frames - 1)) .* p.hop .+ p.frame / 2) ./ p.rate_hz

"""Estimate with one FFT plan and one buffer for all records."""
function welch(p, arrays)
    x = arrays.x
    options = (n = p.frame, noverlap = p.frame - p.hop, nfft = p.frame, fs = p.rate_hz, window = hann(p.frame))
    config = DSP.WelchConfig(size(x, 1), Float64; options...)
    out = Matrix{Float64}(undef, p.frame ÷ 2 + 1, size(x, 2))
    for (density, record) in zip(eachcol(out), eachcol(x))
        DSP.Periodograms.welch_pgram!(density, record, config)
    end
    return (; arrays..., x = out, frequency = frequencies(p))
end

"""Transform with `stft`, which neither pads nor scales."""
function stft(p, arrays)
    window = hann(p.frame)
    x = batch(record -> DSP.stft(record, p.frame, p.frame - p.hop; nfft = p.frame, window), arrays.x)
    return (; arrays..., x, frequency = frequencies(p), time = times(p, size(x, 2)))
end

"""Compute the powers of `spectrogram`."""
function spectrogram(p, arrays)
    window, fs = hann(p.frame), p.rate_hz
    power(record) = DSP.spectrogram(record, p.frame, p.frame - p.hop; nfft = p.frame, fs, window).power
    x = batch(power, arrays.x)
    return (; arrays..., x, frequency = frequencies(p), time = times(p, size(x, 2)))
end

"""Compute the magnitude of the analytic signal."""
envelope(p, arrays) = (; arrays..., x = abs.(batch(DSP.hilbert, arrays.x)))

"""Compute the power spectrum, padded to a fast length: `xcorr` would compute all lags of both signs."""
function autocorrelation(p, arrays)
    x = arrays.x
    samples, records = size(x)
    kept = min(samples, p.lags + 1)
    n = DSP.nextfastfft(samples + kept - 1)
    padded = zeros(n, records)
    @views padded[1:samples, :] .= x .- mean(x; dims = 1)
    spectrum = FFTW.rfft(padded, 1)
    spectrum .= abs2.(spectrum)
    FFTW.ldiv!(padded, FFTW.plan_rfft(padded, 1), spectrum)
    out = zeros(p.lags + 1, records)
    @views out[1:kept, :] .= padded[1:kept, :] ./ samples
    return (; arrays..., x = out)
end

"""Read with WAV.jl, which gives the file's integers."""
function read_wav(p, path)
    files = [
        (part, name)
        for part in ("train", "test")
        if isdir(joinpath(path, part))
        for name in readdir(joinpath(path, part))
        if endswith(name, ".wav")
    ]
    x = zeros(p.samples, length(files))
    for (record, (part, name)) in zip(eachcol(x), files)
        samples = WAV.wavread(joinpath(path, part, name); format = "native")[1]::Matrix{Int16}
        kept = 1:min(size(samples, 1), p.samples)
        @views record[kept] .= samples[kept, 1] ./ 32768
    end
    y = [parse(Int64, first(eachsplit(name, '-'))) for (_, name) in files]
    return (; x, y, test = UInt8[part == "test" for (part, _) in files])
end

const BLOCKS = 10
const ROLLOFF = 0.9

frame_count(p, x) = (size(x, 1) - p.frame) ÷ p.hop + 1

"""Compute the features with one FFT plan and one buffer; each frame is processed while it is in the cache."""
function short_term_features(p, arrays)
    x = arrays.x
    frame = Vector{Float64}(undef, p.frame)
    plan = FFTW.plan_rfft(frame)
    spectrum = Vector{ComplexF64}(undef, p.frame ÷ 2 + 1)
    power = Vector{Float64}(undef, p.frame ÷ 2)
    out = Array{Float64}(undef, 6, frame_count(p, x), size(x, 2))
    for record in axes(x, 2), i in axes(out, 2)
        copyto!(frame, 1, x, (record - 1) * size(x, 1) + (i - 1) * p.hop + 1, p.frame)
        mul!(spectrum, plan, frame)
        @views power .= abs2.(spectrum[1:length(power)]) ./ length(power)^2
        out[1, i, record] = crossings(frame)
        out[2, i, record] = sum(abs2, frame) / p.frame
        out[3, i, record], out[4, i, record] = centroid_and_spread(power)
        out[5, i, record], out[6, i, record] = entropy_and_rolloff(power)
    end
    return (; arrays..., x = out)
end

function crossings(frame::Vector{Float64})
    steps = sum(abs(sign(frame[n]) - sign(frame[n - 1])) for n in 2:length(frame))
    return steps / (2 * (length(frame) - 1))
end

function centroid_and_spread(power::Vector{Float64})
    bins, highest = length(power), sqrt(maximum(power))
    highest == 0 && return 0.0, 0.0
    weight, first_moment, second_moment = eps(), 0.0, 0.0
    @inbounds @simd for k in 1:bins
        magnitude = sqrt(power[k]) / highest
        weight += magnitude
        first_moment += k * magnitude
    end
    centroid = first_moment / bins / weight
    @inbounds @simd for k in 1:bins
        second_moment += (k / bins - centroid)^2 * (sqrt(power[k]) / highest)
    end
    return centroid, sqrt(second_moment / weight)
end

function entropy_and_rolloff(power::Vector{Float64})
    bins, whole = length(power), sum(power)
    width = bins ÷ BLOCKS
    entropy = 0.0
    for block in 1:BLOCKS
        share = sum(@view power[((block - 1) * width + 1):(block * width)]) / (whole + eps())
        entropy -= share * log2(share + eps())
    end
    below = 0.0
    for k in 1:bins
        below += power[k]
        below + eps() > ROLLOFF * whole && return entropy, (k - 1) / bins
    end
    return entropy, 0.0
end

"""Return the triangles, (length / 2, bands)."""
function mel_bands(p, n::Int)
    edges = @. 700 * (exp10($range(0, 2595 * log10(1 + p.rate_hz / 1400); length = p.bands + 2) / 2595) - 1)
    slope(f, b) = (f - edges[b]) / (edges[b + 1] - edges[b])
    return [
        max(0.0, min(slope(k * p.rate_hz / n, b), 1 - slope(k * p.rate_hz / n, b + 1)))
        for k in 0:(n ÷ 2 - 1), b in 1:p.bands
    ]
end

"""Return the orthonormal cosines, (coefficients, bands)."""
cosines(p) = [
    sqrt((i == 0 ? 1 : 2) / p.bands) * cospi(i * (b - 0.5) / p.bands)
    for i in 0:(p.coefficients - 1), b in 1:p.bands
]

"""Transform with one FFT plan for all frames, then multiply all frames of a record by two matrices."""
function mfcc(p, arrays)
    x = arrays.x
    n = nextpow(2, p.frame)
    window, bands, dct = DSP.hamming(p.frame), permutedims(mel_bands(p, n)), cosines(p)
    scale = 2 / (p.rate_hz * sum(abs2, window))
    padded = zeros(n)
    plan = FFTW.plan_rfft(padded)
    spectrum = Vector{ComplexF64}(undef, n ÷ 2 + 1)
    power = Matrix{Float64}(undef, n ÷ 2, frame_count(p, x))
    out = Array{Float64}(undef, p.coefficients, size(power, 2), size(x, 2))
    for record in axes(x, 2)
        for i in axes(power, 2)
            frame = @view x[((i - 1) * p.hop + 1):((i - 1) * p.hop + p.frame), record]
            @views padded[1:p.frame] .= frame .* window
            mul!(spectrum, plan, padded)
            @views power[:, i] .= scale .* (exp2(30) .* abs2.(spectrum[1:(n ÷ 2)]) .+ p.frame)
        end
        energy = bands * power
        energy .= log.(energy)
        mul!(@view(out[:, :, record]), dct, energy)
    end
    return (; arrays..., x = out)
end

"""Compute mean and standard deviation over the frames, the second dimension."""
function summarise(p, arrays)
    centre = mean(arrays.x; dims = 2)
    spread = std(arrays.x; dims = 2, mean = centre, corrected = false)
    return (; arrays..., x = dropdims(vcat(centre, spread); dims = 2))
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
    "signals.butterworth_design" => butterworth_design,
    "signals.butterworth_filter" => butterworth_filter,
    "signals.zero_phase" => zero_phase,
    "signals.fft_convolve" => fft_convolve,
    "signals.resample" => resample,
    "signals.welch" => welch,
    "signals.stft" => stft,
    "signals.spectrogram" => spectrogram,
    "signals.envelope" => envelope,
    "signals.autocorrelation" => autocorrelation,
    "signals.read_wav" => read_wav,
    "signals.short_term_features" => short_term_features,
    "signals.mfcc" => mfcc,
    "signals.summarise" => summarise,
)
