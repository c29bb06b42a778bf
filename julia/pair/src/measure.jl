# The timing of the user's function, by the loop that times every op: julia/src/measure.jl, in this process. Arguments are
# handed over once for each step, before anything is timed. python/twinbench/pair/callee/measure.py mirrors this file.

"""The measurement protocol."""
module Measure
include("../../src/trend.jl")
include("../../src/measure.jl")
include("../../src/collector.jl")
end

"""Bytes of arguments that are copied for one sample, at most: more would have to fit into memory beside the user's."""
const MOST_COPIED = 64 << 20

"""
The user's function with its arguments, callable without arguments. The type names the function and the types of its
arguments, so that the timing loop is compiled for them.
"""
struct Bound{F, P <: Tuple, K <: NamedTuple}
    target::F
    positional::P
    named::K
end

# Not inlined: a loop over a pure function of numbers would compute it once.
@noinline (call::Bound)() = call.target(call.positional...; call.named...)

"""A call that gets a fresh copy of its arguments each time; the copies are made before the clock starts."""
mutable struct Fresh{B <: Bound}
    const call::B
    const most_evals::Int
    last::B
end

"""The calls of one sample, each with its own copy of the arguments."""
mutable struct Copies{B <: Bound}
    const calls::Vector{B}
    next::Int
end

(copies::Copies)() = @inbounds copies.calls[copies.next += 1]()

copied(call::B) where {B <: Bound} = B(call.target, deepcopy(call.positional), deepcopy(call.named))

function Measure.prepared(fresh::Fresh{B}, evals::Int) where {B}
    calls = B[copied(fresh.call) for _ in 1:evals]
    fresh.last = last(calls)
    return Copies{B}(calls, 0)
end

Measure.most_evals(fresh::Fresh) = fresh.most_evals

"""One input with the function's call."""
mutable struct Step
    const call::Any
    const arguments::Vector{UInt8}
    const names::Vector{String}
    evals::Int
    result::Any
    is_told::Bool
end

"""The steps by their names."""
const STEPS = Dict{String, Step}()

"""Whether garbage was collected before the first warm-up."""
const COLLECTED = Ref(false)

"""
    measured(request) -> Dict

Carry out a request about the function's time. What the function throws is told, and ends its measurement.
"""
function measured(request::Dict{String, Any})
    name, step = request["request"], request["step"]
    try
        name == "hand_over" && return hand_over(step, request["arguments"], request["fresh"])
        own = STEPS[step]
        name == "first" && return first_call!(own)
        name == "outcome" && return told!(own)
        name == "burst" &&
            return columns(Measure.burst(own.call, own.evals, Int(request["min_samples"]), Int(request["limit_ns"])))
        return warmed!(own, request)
    catch exception
        exception isa InterruptException && rethrow()
        return Dict{String, Any}(
            "raised" => string(nameof(typeof(exception))),
            "says" => described(exception, catch_backtrace()),
        )
    end
end

"""Bring the arguments into the forms of Julia: once to compile what that needs, and once by the clock."""
function hand_over(step::String, arguments::Vector{UInt8}, fresh::Bool)
    take_arguments(IOBuffer(arguments))
    start = time_ns()
    positional, keywords, names = take_arguments(IOBuffer(arguments))
    took_ns = time_ns() - start
    bound = bind(LOADED[], Tuple(positional), NamedTuple{Tuple(first.(keywords))}(Tuple(last.(keywords))))
    call = fresh ? Fresh(bound, max(1, MOST_COPIED ÷ max(1, length(arguments))), bound) : bound
    STEPS[step] = Step(call, arguments, names, 1, nothing, true)
    return Dict{String, Any}("took_ns" => Int(took_ns))
end

bind(target, positional::Tuple, named::NamedTuple) = Bound{Core.Typeof(target), typeof(positional), typeof(named)}(
    target,
    positional,
    named,
)

"""Call the function for the first time with these arguments, and keep the result."""
function first_call!(own::Step)
    call = own.call isa Fresh ? Measure.prepared(own.call, 1) : own.call
    timing, own.result = Measure.first_call(call)
    own.is_told = false
    return columns([timing])
end

"""Return what the first call did; later of one call more, with the arguments of the samples."""
function told!(own::Step)
    own.is_told && (own.result = (own.call isa Fresh ? Measure.prepared(own.call, 1) : own.call)())
    start = time_ns()
    result = encode(own.result)
    answer = Dict{String, Any}("took_ns" => Int(time_ns() - start), "result" => Encoded(result))
    own.result, own.is_told = nothing, true
    positional, keywords, _ = take_arguments(IOBuffer(own.arguments))
    used = own.call isa Fresh ? own.call.last : own.call
    changed = Dict{String, Any}()
    pairs = zip(own.names, Any[positional..., last.(keywords)...], Any[used.positional..., used.named...])
    for (name, before, after) in pairs
        now = encode(after)
        now == encode(before) || (changed[name] = Encoded(now))
    end
    isempty(changed) || (answer["changed"] = changed)
    return answer
end

"""Warm up until the times have settled, or as an earlier process has shown to be enough."""
function warmed!(own::Step, request::Dict{String, Any})
    COLLECTED[] || Measure.collect_garbage()
    COLLECTED[] = true
    if request["request"] == "warm_up"
        own.evals = Measure.calibrate(own.call)
        warm = Measure.warm_up(own.call, own.evals, Int(request["limit_ns"]))
    else
        own.evals = Int(request["evals"])
        limit_ns = Float64(request["collector_limit_ns"])
        warm = Measure.warm_again(own.call, own.evals, Float64(request["time_ns"]), limit_ns)
    end
    answer = Dict{String, Any}(String(field) => getfield(warm, field) for field in fieldnames(Measure.WarmUp))
    answer["evals"] = own.evals
    return answer
end

columns(timings) = Dict{String, Any}("timings" => Measure.flat(timings))

"""
    sources() -> Dict

Return the user's files, those of packages in development beside them included, and the versions of all loaded packages.
"""
function sources()
    home = isempty(INCLUDED) ? "" : dirname(realpath(first(INCLUDED)))
    files = Set(filter(file -> startswith(file, home), map(realpath, INCLUDED)))
    versions = Dict{String, Any}("Julia" => string(VERSION))
    for (id, loaded) in Base.loaded_modules
        directory = pkgdir(loaded)
        version = pkgversion(loaded)
        if directory !== nothing && startswith(directory, joinpath(home, "")) && directory != home
            for (inside, _, names) in walkdir(joinpath(directory, "src")), name in names
                endswith(name, ".jl") && push!(files, joinpath(inside, name))
            end
        elseif version !== nothing && loaded !== TwinBenchPair
            versions[id.name] = string(version)
        end
    end
    return Dict{String, Any}("directory" => home, "files" => sort!(collect(files)), "versions" => versions)
end
