# MFCC for MFCC.jl. The contract is in python/twinbench/ops/signals/features.py; signals are (samples, records).

import MFCC

const NAME = "MFCC.jl"
const PACKAGES = ["MFCC"]
const SUMMARY = "MFCC.jl: mel-frequency cepstral coefficients in Julia"

"""
Call the parts of the package's `mfcc`: powers with noise of one level, bands on HTK's mel scale, and the orthonormal DCT-II.

`mfcc` itself lays its bands over a DFT of N - 2 points where it takes one of N, so that each lies too low.
"""
function mfcc(p, arrays)
    n = nextpow(2, p.frame)
    bands = @view MFCC.fft2melmx(n, p.bands; sr = p.rate_hz, htkmel = true, constamp = true)[:, 1:(n ÷ 2)]
    options = (wintime = p.frame / p.rate_hz, steptime = p.hop / p.rate_hz, dither = true)
    function coefficients(record)
        power = MFCC.powspec(record, p.rate_hz; options...)
        return MFCC.spec2cep(bands * power, p.coefficients, 2)
    end
    return (; arrays..., x = stack(coefficients, eachcol(arrays.x)))
end

const NOTES = Dict(
    "signals.mfcc" =>
        "its own mfcc (version 0.3.6) lays the bands too low; here the parts that it calls get the right grid",
)

const OPS = Dict{String, Function}("signals.mfcc" => mfcc)
