"""
The process in which a function of the user's runs, by the same messages as python/twinbench/pair/callee/main.py: values,
each after its length in 8 bytes, over two file descriptors of their own. The user's project needs nothing of twinbench.
"""
module TwinBenchPair

using Dates

include("wire.jl")
include("reading.jl")
include("census.jl")
include("calls.jl")
include("measure.jl")

const HERE = @__DIR__

"""
    serve(reading, writing)

Answer messages until the harness closes its end.
"""
function serve(reading::IO, writing::IO)
    while !eof(reading)
        request = take_entries(IOBuffer(read(reading, take_length(reading))))
        reply = encode(answer(request))
        put_length(writing, length(reply))
        write(writing, reply)
        flush(writing)
    end
    return nothing
end

function answer(request::Dict{String, Any})
    if request["do"] == "load"
        REVERSED[] = request["layout"] == "reversed"
        return load(request["source"], request["function"], get(request, "code", ""))
    end
    request["do"] == "measure" && return Base.invokelatest(measured, request)
    request["do"] == "sources" && return sources()
    return call(request["arguments"], request["twice"])
end

"""
    main()

Serve the two file descriptors that the arguments of the command name, for reading and for writing.
"""
function main()
    descriptors = splice!(ARGS, 1:2)
    return serve(fdio(parse(Int, descriptors[1]), false), fdio(parse(Int, descriptors[2]), false))
end

include("workload.jl")

end
