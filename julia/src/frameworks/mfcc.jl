# MFCC for MFCC.jl. The contract is in python/twinbench/ops/signals/features.py; signals are (samples, records).

import MFCC

const NAME = "MFCC.jl"
const PACKAGES = ["MFCC"]
const SUMMARY = "MFCC.jl: mel-frequency cepstral coefficients in Julia"

"""Call `mfcc` with the contract's options: HTK's bands of powers, the orthonormal DCT-II, and noise of one level."""
function mfcc(p, arrays)
    options = (
        wintime = p.frame / p.rate_hz,
        steptime = p.hop / p.rate_hz,
        numcep = p.coefficients,
        nbands = p.bands,
        preemph = 0,
        lifterexp = 0,
        dcttype = 2,
        dither = true,
        sumpower = true,
    )
    return (; arrays..., x = stack(record -> MFCC.mfcc(record, p.rate_hz; options...)[1], eachcol(arrays.x)))
end

const DEVIATIONS = Dict("signals.mfcc" => (
    reason = "MFCC.jl 0.3.6 lays its mel filters over a DFT of N - 2 points where it takes one of N, so that each lies too low",
    rtol = 0.0,
    atol = 2.0,
))

const OPS = Dict{String, Function}("signals.mfcc" => mfcc)
