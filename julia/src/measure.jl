# The measurement protocol, in Julia. `python/twinbench/worker/measure.py` is the same protocol in Python, line for line.
#
# Everything is timed in the process that computes, with a monotonic clock. This file knows no framework and no op: it times
# calls without arguments.

"""A sample lasts at least 1 ms: reading the clock twice costs under 0.2 us, so under 0.02 % of it."""
const MIN_SAMPLE_NS = 1_000_000

"""If one sample is this long, the op is that slow: a disturbance never lasts 100 ms, so two repeats are skipped."""
const CERTAIN_NS = 100 * MIN_SAMPLE_NS

"""Samples before the first look at the times, or as many as fit into a quarter of the limit, if those are fewer."""
const FIRST_LOOK = 64

"""Samples with garbage collections after which the collector's time in the long run is known well enough."""
const COLLECTIONS = 20

"""
Time at the start of a burst whose samples are discarded: 5 ms. After a stop, calls find cold caches; that costs up to
1.5 ms of CPU time, all of it in the first 5 ms.
"""
const WAKING_NS = 5_000_000

"""Nanoseconds of the garbage collector, and bytes allocated, in all warm-ups of this process."""
const COLLECTED = [0.0, 0.0]

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
What warm-up showed about a call. `trend` is `settled`, `faster`, `slower` or `short`: too few samples to tell.

`collector_ns` is the garbage collector's time per evaluation in the long run, `nothing` where each sample pays for
itself; `collections` is the number of samples in which the collector ran, and `allocated_bytes` is per evaluation.
`level_ns` is the time of the samples before the times had the level of the end, without waits for the processor; that of
all samples if the times changed to the end. `usual_ns` is the median of the last half of the samples, per evaluation.
"""
struct WarmUp
    discarded::Int
    trend::String
    collector_ns::Union{Nothing, Float64}
    collections::Int
    allocated_bytes::Float64
    level_ns::Float64
    usual_ns::Float64
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

"""
    prepared(call, evals)

Return the call for one sample of this many evaluations, before the clock starts: another one where each evaluation needs
something new.
"""
prepared(call, ::Int) = call

"""
    most_evals(call) -> Int

Return the most evaluations of a sample.
"""
most_evals(_) = typemax(Int)

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
    ready = prepared(call, evals)
    settle()
    gc = Base.gc_num()
    cpu = cpu_time_ns()
    start = time_ns()
    for _ in 1:evals
        Base.donotdelete(ready())
    end
    settle()
    wall = time_ns() - start
    cpu = cpu_time_ns() - cpu
    collected = Base.GC_Diff(Base.gc_num(), gc).total_time
    return Timing(wall / evals, cpu / evals, collected / evals, evals)
end

"""A call whose result is kept. Its type doesn't name the call's, so that `timed` is compiled once for all first calls."""
mutable struct FirstCall
    const call::Any
    result::Any
end

# Called in the latest world, so that `call` is compiled after the clock starts and not along with this function.
(first::FirstCall)() = (first.result = Base.invokelatest(first.call); nothing)

"""
    first_call(call) -> (Timing, result)

Time the first execution, which includes compilation and set-up. Returns its timing and its result.
"""
function first_call(@nospecialize(call))
    first = FirstCall(call, nothing)
    timing = timed(first)
    return timing, first.result
end

"""
    collect_garbage()

Free the garbage that first calls and checks left behind, once, before the first warm-up of a process.
"""
collect_garbage() = GC.gc()

# What follows is compiled once for all calls: only `timed` is compiled for each of them.

"""
    calibrate(call) -> Int

Return the least power of two of evaluations with which a sample lasts at least `MIN_SAMPLE_NS`. A call that is prepared
may allow fewer.
"""
function calibrate(@nospecialize(call))
    evals = 1
    while evals <= most_evals(call) ÷ 2 && !lasts(call, evals)
        evals *= 2
    end
    return evals
end

"""
    lasts(call, evals) -> Bool

Check whether three samples in a row are long enough, because a disturbance can lengthen one; a very long sample suffices.
"""
function lasts(@nospecialize(call), evals::Int)
    for _ in 1:3
        wall = timed(call, evals).wall_ns * evals
        (wall < MIN_SAMPLE_NS || wall >= CERTAIN_NS) && return wall >= CERTAIN_NS
    end
    return true
end

"""
    warm_up(call, evals, limit_ns) -> WarmUp

Run until no change of the times is seen, or the limit is reached; at least once.

The first look is after `FIRST_LOOK` samples or a quarter of the limit, and each further look after twice as many samples.
Where the garbage collector took `CHANGE` of the time or more, warm-up goes on for up to another quarter of the limit,
until `COLLECTIONS` samples had collections.
"""
function warm_up(@nospecialize(call), evals::Int, limit_ns::Integer)
    timings = Timing[]
    spent, look, seen = 0.0, FIRST_LOOK, "short"
    before = Base.gc_num()
    while seen != "settled" && (isempty(timings) || spent < limit_ns)
        push!(timings, timed(call, evals))
        spent += timings[end].wall_ns * evals
        early = look == FIRST_LOOK && length(timings) >= LEAST_SAMPLES && spent >= limit_ns / 4
        if length(timings) >= look || early || spent >= limit_ns
            seen = trend(times_of(timings))
            look = 2 * length(timings)
        end
    end
    weighs = sum(timing.gc_ns for timing in timings) * evals >= CHANGE * spent > 0
    busy = [min(timing.wall_ns, timing.cpu_ns) for timing in timings] # a wait for the processor is not a change
    level = seen in ("faster", "slower") ? length(busy) : samples_to_level(busy)
    level_ns = sum(busy[1:level]) * evals
    weighs && length(timings) >= LEAST_SAMPLES && watch_collector!(timings, call, evals, limit_ns / 4)
    return warm(timings, evals, seen, level_ns, before)
end

"""
    warm_again(call, evals, time_ns, collector_limit_ns) -> WarmUp

Warm up for a time that another process has shown to be enough; at least one sample.

With a limit for the collector, at least `LEAST_SAMPLES` are taken, and it is watched for up to that time. Without a limit
each sample pays for itself.
"""
function warm_again(@nospecialize(call), evals::Int, time_ns::Real, collector_limit_ns::Real)
    timings = Timing[]
    spent = 0.0
    before = Base.gc_num()
    while isempty(timings) || spent < time_ns
        push!(timings, timed(call, evals))
        spent += timings[end].wall_ns * evals
    end
    collector_limit_ns > 0 && watch_collector!(timings, call, evals, collector_limit_ns)
    return warm(timings, evals, trend(times_of(timings)), time_ns, before; account = collector_limit_ns > 0)
end

"""Add samples until `COLLECTIONS` of them had collections, or for `limit_ns`; `LEAST_SAMPLES` in any case."""
function watch_collector!(timings::Vector{Timing}, @nospecialize(call), evals::Int, limit_ns::Real)
    ran = count(timing -> timing.gc_ns > 0, timings)
    spent = 0.0
    while length(timings) < LEAST_SAMPLES || (ran <= COLLECTIONS && spent < limit_ns)
        push!(timings, timed(call, evals))
        spent += timings[end].wall_ns * evals
        ran += timings[end].gc_ns > 0
    end
    return timings
end

times_of(timings::Vector{Timing}) = [timing.wall_ns - timing.gc_ns for timing in timings]

"""Return what samples showed that were taken since `before`; without an `account` of the collector each pays for itself."""
function warm(
    timings::Vector{Timing},
    evals::Int,
    seen::String,
    level_ns::Real,
    before::Base.GC_Num;
    account::Bool = true,
)
    collected = Base.GC_Diff(Base.gc_num(), before)
    COLLECTED .+= (sum(collection_costs(timings)) * evals, collected.allocd)
    bytes = collected.allocd / (length(timings) * evals)
    ran = count(timing -> timing.gc_ns > 0, timings)
    usual = middle([timing.wall_ns for timing in timings[(length(timings) ÷ 2 + 1):end]])
    collector = account ? collector_ns(timings, bytes) : nothing
    return WarmUp(length(timings), seen, collector, ran, bytes, level_ns, usual)
end

"""
    burst(call, evals, min_samples, limit_ns) -> Vector{Timing}

Take one block's samples of one step: at least `min_samples`, and at least `limit_ns`.

Samples that begin in the first `WAKING_NS` are discarded, unless they last `CERTAIN_NS`: in such a sample, what a stop
costs is about 1 %.
"""
function burst(@nospecialize(call), evals::Int, min_samples::Integer, limit_ns::Integer)
    timings = Timing[]
    spent = 0.0
    start = time_ns()
    while length(timings) < min_samples || spent < limit_ns
        waking = time_ns() - start < WAKING_NS
        timing = timed(call, evals)
        lasted = timing.wall_ns * evals
        waking && lasted < CERTAIN_NS && continue
        push!(timings, timing)
        spent += lasted
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
