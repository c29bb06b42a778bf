# The measurement protocol, in Julia. `python/twinbench/worker/measure.py` is the same protocol in Python, line for line.
#
# Everything is timed in the process that computes, with a monotonic clock. This file knows no framework and no op: it times
# calls without arguments.

"""A sample lasts at least 1 ms: reading the clock twice costs under 0.2 us, so under 0.02 % of it."""
const MIN_SAMPLE_NS = 1_000_000

"""If one sample is this long, the op is that slow: a disturbance never lasts 100 ms, so two repeats are skipped."""
const CERTAIN_NS = 100 * MIN_SAMPLE_NS

"""Fewest samples in which a change is looked for: with fewer, no order of them is rare enough."""
const LEAST_SAMPLES = 10

"""Samples before the first look at the times, or as many as fit into a quarter of the limit, if those are fewer."""
const FIRST_LOOK = 64

"""Most groups into which the samples of a look are divided."""
const GROUPS = 32

"""Probability of calling times that don't change changed, in one look."""
const CHANGE_P = 0.05

"""Least relative change of the times that keeps a warm-up going: 1 %."""
const CHANGE = 0.01

"""Samples with garbage collections after which the collector's time in the long run is known well enough."""
const COLLECTIONS = 20

"""Fewest samples with collections that show a whole cycle of the collector, from one collection to the next."""
const FEW_COLLECTIONS = 3

"""Share of the samples between collections that may be spikes of the machine: they cost no more than the longest other."""
const SPIKES = 0.02

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
    collector_ns(timings, bytes) -> Union{Float64, Nothing}

Return the garbage collector's time per evaluation in the long run, in nanoseconds.

It is what whole cycles of the collector cost above the median of their samples without collections: the mean CPU time from
the sample after the first collection to the sample with the last one, less that median. A collection's sample holds the
memory that is cold afterwards, and samples between collections hold the pages that the kernel hands out anew: both come
with the garbage, and a median shows neither. Where most samples have collections, the median is that of the times without
what the collector itself took. The longest `SPIKES` of the samples between collections count as the next shorter one.
It is 0 where noise would make it negative.

Where the collector took less than `CHANGE` of the time, the collections' samples alone count. Where there were fewer
collections than `FEW_COLLECTIONS`, the time is the `bytes` that an evaluation allocates times what a byte costs in all
warm-ups of this process. Nothing for fewer samples than `LEAST_SAMPLES`: calls that long have their collections in every
sample, and pay there.
"""
function collector_ns(timings::Vector{Timing}, bytes::Real)
    length(timings) < LEAST_SAMPLES && return nothing
    ran = findall(timing -> timing.gc_ns > 0, timings)
    length(ran) < FEW_COLLECTIONS && return bytes * COLLECTED[1] / max(COLLECTED[2], 1.0)
    return max(0.0, sum(costs_above_median(timings[(first(ran) + 1):last(ran)])) / (last(ran) - first(ran)))
end

"""Return what each sample of whole cycles costs per evaluation above the median without collections, in nanoseconds."""
function costs_above_median(timings::Vector{Timing})
    quiet = [timing.cpu_ns for timing in timings if timing.gc_ns == 0]
    mostly = 2 * length(quiet) < length(timings)
    own = [mostly ? timing.gc_ns * min(1.0, timing.cpu_ns / timing.wall_ns) : 0.0 for timing in timings]
    between = sort(mostly ? [timing.cpu_ns for timing in timings] .- own : quiet)
    usual, most = middle(between), between[ceil(Int, (1 - SPIKES) * length(between))]
    if sum(timing.gc_ns for timing in timings) < CHANGE * sum(timing.cpu_ns for timing in timings)
        return [timing.gc_ns > 0 ? max(timing.cpu_ns - usual, 0.0) : 0.0 for timing in timings]
    end
    return map(timings, own) do timing, collector
        mostly || timing.gc_ns == 0 ?
            collector + min(timing.cpu_ns - collector, most) - usual :
            max(timing.cpu_ns - usual, 0.0)
    end
end

"""Return what the collections in each sample cost per evaluation, in nanoseconds."""
function collection_costs(timings::Vector{Timing})
    quiet = [timing.cpu_ns for timing in timings if timing.gc_ns == 0]
    if 2 * length(quiet) < length(timings)
        return [timing.gc_ns * min(1.0, timing.cpu_ns / timing.wall_ns) for timing in timings]
    end
    usual = middle(quiet)
    return [timing.gc_ns > 0 ? max(timing.cpu_ns - usual, 0.0) : 0.0 for timing in timings]
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
