# What the garbage collector costs in the long run, by samples. The functions are pure, and stand in
# `python/twinbench/worker/collector.py` in Python.

"""Fewest samples with collections that show a whole cycle of the collector, from one collection to the next."""
const FEW_COLLECTIONS = 3

"""Share of the samples between collections that may be spikes of the machine: they cost no more than the longest other."""
const SPIKES = 0.02

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
