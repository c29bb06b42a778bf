# Code that runs while the package is compiled, so that a process answers its first message at once.

"""A function with arguments of every kind."""
workload(x, y = 1; rate = 48000) = (
    x,
    y,
    rate,
    [1.0f0],
    [true],
    ["a"],
    Dict("a" => 1),
    (; b = nothing),
    missing,
    Date(1970),
)

function work()
    LOADED[] = workload
    argument_names(workload)
    keyword_names(workload)
    functions(Symbol[])
    for value in (
            [1.0, 2.0],
            [1 2; 3 4],
            [1],
            ["a"],
            "text",
            2,
            0.5,
            true,
            Dict("a" => 1),
            Any[1, "a"],
            (1, 2.0),
            [missing, 1.0],
            [1.0f0],
            nothing,
            1.0 + 2.0im,
        )
        arguments = encode(Dict{String, Any}("positional" => (value,), "named" => Encoded(encode((; rate = 1)))))
        request = encode(Dict{String, Any}(
            "do" => "call",
            "arguments" => Encoded(put_bytes(arguments)),
            "twice" => true,
        ))
        reading, writing = IOBuffer(), IOBuffer()
        put_length(reading, length(request))
        write(reading, request)
        serve(seekstart(reading), writing)
    end
    try
        sqrt(-1.0)
    catch exception
        described(exception, catch_backtrace())
    end
    time_it()
    LOADED[] = nothing
    return nothing
end

"""Time the function above once, and forget it."""
function time_it()
    arguments = encode(Dict{String, Any}("positional" => (1.0,), "named" => Encoded(encode((; rate = 1)))))
    for request in (
            (; request = "hand_over", arguments, fresh = false),
            (; request = "first"),
            (; request = "outcome"),
            (; request = "warm_up", limit_ns = 1_000_000),
            (; request = "warm_again", evals = 1, time_ns = 1.0e3, collector_limit_ns = 0),
            (; request = "burst", min_samples = 1, limit_ns = 1000),
        )
        asked = Dict{String, Any}(String(key) => value for (key, value) in pairs(request))
        encode(measured(merge(asked, Dict{String, Any}("step" => "step"))))
    end
    sources()
    empty!(STEPS)
    COLLECTED[] = false
    fill!(Measure.COLLECTED, 0.0)
    return nothing
end

"""Return bytes as a value of the kind `y`, which Python's bytes are."""
function put_bytes(bytes::Vector{UInt8})
    out = IOBuffer()
    write(out, 'y')
    put_length(out, length(bytes))
    write(out, bytes)
    return take!(out)
end

if ccall(:jl_generating_output, Cint, ()) == 1
    work()
    precompile(load, (String, String, String))
    precompile(main, ())
end
