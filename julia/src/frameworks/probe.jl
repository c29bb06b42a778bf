# The probe ops in Julia. They need no library; the same functions in Python are in python/twinbench/frameworks/probe.py.

const NAME = "probe.jl"
const PACKAGES = String[]
const SUMMARY = "The probe ops in Julia"

const RESULT = (value = [0.0],)

"""Do nothing."""
noop(_) = RESULT

"""Busy-wait for `p.microseconds`."""
function spin(p)
    finish = time_ns() + round(UInt64, 1000 * p.microseconds)
    while time_ns() < finish end
    return RESULT
end

"""Sum in a loop, hiding each sum from the optimiser, which would replace the loop by a formula."""
function work(p)
    total = 0
    for i in 0:(p.loops - 1)
        total += i
        Base.donotdelete(total)
    end
    return RESULT
end

const OPS = Dict{String, Function}("probe.noop" => noop, "probe.spin" => spin, "probe.work" => work)
