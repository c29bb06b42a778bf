# The measurement protocol, in Julia. `python/twinbench/worker/measure.py` is the same protocol in Python, line for line.
#
# Everything is timed in the process that computes, with a monotonic clock. This file knows no framework and no op: it times
# calls without arguments.

"""A sample lasts at least 1 ms: reading the clock twice costs under 0.2 us, so under 0.02 % of it."""
const MIN_SAMPLE_NS = 1_000_000

"""If one sample is this long, the op is that slow: a disturbance never lasts 100 ms, so two repeats are skipped."""
const CERTAIN_NS = 100 * MIN_SAMPLE_NS

"""Number of samples in the trend test: the fewest with which it reliably detects a steady fall of 1 in 10."""
const TREND_WINDOW = 10

"""One-sided 5 % quantile of the normal distribution."""
const TREND_Z = -1.645

"""
One sample: `evals` evaluations, timed together. All times are per evaluation, in nanoseconds.

`cpu_ns` is CPU time of the whole process: more than `wall_ns` when several threads worked. `gc_ns` is the time spent in
Julia's garbage collector.
"""
struct Timing
    wall_ns::Float64
    cpu_ns::Float64
    gc_ns::Float64
    evals::Int
end

"""
An implementation with its parameters and native inputs, callable without arguments.

The type names the function and the types of its inputs, so that the timing loop is compiled for them.
"""
struct Call{F, P, I <: Tuple}
    op::F
    params::P
    inputs::I
end

(call::Call)() = call.op(call.params, call.inputs...)

"""Functions that block until a device is idle; empty if everything is computed on the processor."""
const WAITS = Function[]

"""
    wait_for(waiting)

Register a function that blocks until the device is idle; it is called before each sample starts and ends.
"""
wait_for(waiting) = push!(WAITS, waiting)

function settle()
    for waiting in WAITS
        Base.invokelatest(waiting) # the device's package was loaded after this was compiled
    end
    return nothing
end

"""Return the CPU time of this process in nanoseconds. POSIX fixes the unit of `clock` at 1 us."""
cpu_time_ns() = 1000 * Int64(ccall(:clock, Clong, ()))

"""
    timed(call, evals = 1) -> Timing

Time `evals` calls. Each result is dropped at once, because freeing results is part of a library's cost.
"""
function timed(call::C, evals::Int = 1) where {C}
    settle()
    gc = Base.gc_num()
    cpu = cpu_time_ns()
    start = time_ns()
    for _ in 1:evals
        Base.donotdelete(call())
    end
    settle()
    wall = time_ns() - start
    cpu = cpu_time_ns() - cpu
    collected = Base.GC_Diff(Base.gc_num(), gc).total_time
    return Timing(wall / evals, cpu / evals, collected / evals, evals)
end

"""
    first_call(call) -> (Timing, result)

Time the first execution, which includes compilation and set-up. Returns its timing and its result.
"""
function first_call(@nospecialize(call))
    result = Ref{Any}()
    # Called in the latest world, so that `call` is compiled after the clock starts and not along with this function.
    timing = timed(() -> (result[] = Base.invokelatest(call); nothing))
    return timing, result[]
end

"""
    calibrate(call) -> Int

Return the least power of two of evaluations with which a sample lasts at least `MIN_SAMPLE_NS`.
"""
function calibrate(call)
    GC.gc()
    evals = 1
    while !lasts(call, evals)
        evals *= 2
    end
    return evals
end

"""
    lasts(call, evals) -> Bool

Check whether three samples in a row are long enough, because a disturbance can lengthen one; a very long sample suffices.
"""
function lasts(call, evals::Int)
    for _ in 1:3
        wall = timed(call, evals).wall_ns * evals
        (wall < MIN_SAMPLE_NS || wall >= CERTAIN_NS) && return wall >= CERTAIN_NS
    end
    return true
end

"""
    falling(values) -> Bool

Check whether values still fall with time: Mann (1945), Kendall's tau against time, one-sided at 5 %.
"""
function falling(values::AbstractVector{<:Real})
    n = length(values)
    score = sum(sign(values[j] - values[i]) for i in 1:n for j in (i + 1):n; init = 0.0)
    variance = n * (n - 1) * (2n + 5) / 18
    return score < 0 && (score + 1) / sqrt(variance) < TREND_Z
end

"""
    warm_up(call, evals, limit_ns) -> (discarded, settled)

Run until the last `TREND_WINDOW` samples show no fall, or the limit is reached; at least once.

Returns how many samples were discarded and whether the times had settled.
"""
function warm_up(call, evals::Int, limit_ns::Integer)
    walls = Float64[]
    spent = 0.0
    while true
        timing = timed(call, evals)
        push!(walls, timing.wall_ns)
        spent += timing.wall_ns * evals
        if length(walls) >= TREND_WINDOW && !falling(@view walls[(end - TREND_WINDOW + 1):end])
            return length(walls), true
        end
        spent >= limit_ns && return length(walls), false
    end
end

"""
    burst(call, evals, min_samples, limit_ns) -> Vector{Timing}

Measure one block's samples of one step: an untimed full collection, then at least `min_samples` and at least `limit_ns`.
"""
function burst(call, evals::Int, min_samples::Integer, limit_ns::Integer)
    GC.gc()
    timings = Timing[]
    spent = 0.0
    while length(timings) < min_samples || spent < limit_ns
        push!(timings, timed(call, evals))
        spent += timings[end].wall_ns * evals
    end
    return timings
end

"""
    flat(timings) -> Matrix{Float64}

Return timings as columns, the form in which they are passed to Python.
"""
flat(timing::Timing) = flat([timing])
flat(timings::AbstractVector{Timing}) = [
    Float64(getfield(timing, field))
    for field in 1:fieldcount(Timing), timing in timings
]
