# The probe ops in Julia. They need no library; the same functions in Python are in python/twinbench/frameworks/probe.py.

const NAME = "probe.jl"
const PACKAGES = String[]
const SUMMARY = "The probe ops in Julia"

const RESULT = (value = [0.0],)

"""Nothing."""
noop(_) = RESULT

"""Busy-waits."""
function spin(p)
    finish = time_ns() + round(UInt64, 1000 * p.microseconds)
    while time_ns() < finish end
    return RESULT
end

"""Adds one by one: each sum is kept from the optimiser, which knows a formula for the last."""
function work(p)
    total = 0
    for i in 0:(p.loops - 1)
        total += i
        Base.donotdelete(total)
    end
    return RESULT
end

const OPS = Dict{String, Function}("probe.noop" => noop, "probe.spin" => spin, "probe.work" => work)
