# The threads and processes that a call uses: python/twinbench/pair/callee/census.py does the same.

"""Share of a call's processor time that a thread has if it counts."""
const SHARE = 0.01

"""Least processor time, in seconds, of a thread that counts."""
const LEAST_S = 2.0e-4

"""Shortest call, in seconds, of which processor time and time are compared."""
const SHORTEST_S = 5.0e-3

const CLOCK_OF_THE_PROCESS = Cint(Sys.isapple() ? 12 : 2)

"""
    census(call, counts) -> value

Return what `call` returns, and count what it used: threads beside the calling one and the collector's, processes, and how
many processors were busy on average.
"""
function census(call, counts::Dict{String, Any})
    before = by_thread()
    cpu, start = cpu_s(), time_ns()
    value = call()
    wall = (time_ns() - start) / 1.0e9
    cpu = cpu_s() - cpu
    least = max(SHARE * cpu, LEAST_S)
    threads = count(by_thread()) do (thread, spent)
        thread != getpid() && spent - get(before, thread, 0.0) >= least
    end
    counts["threads"] = max(threads - collecting(), 0)
    counts["processes"] = children()
    counts["processors"] = wall >= SHORTEST_S ? cpu / wall : 0.0
    return value
end

census(call, ::Nothing) = call()

"""Number of threads of the collector beside the calling one."""
collecting() = isdefined(Threads, :ngcthreads) ? Threads.ngcthreads() - 1 : 0

function clock_s(clock::Cint)
    time = Ref((Clong(0), Clong(0)))
    ccall(:clock_gettime, Cint, (Cint, Ptr{Cvoid}), clock, time) == 0 || return nothing
    return time[][1] + time[][2] / 1.0e9
end

function cpu_s()
    usage = zeros(Clong, 18) # seconds and microseconds of the user and of the system, and 14 numbers more
    ccall(:getrusage, Cint, (Cint, Ptr{Clong}), -1, usage)
    return clock_s(CLOCK_OF_THE_PROCESS) + usage[1] + usage[3] + (usage[2] + usage[4]) / 1.0e6
end

"""Processor time in seconds of each thread; nothing where the system doesn't list threads."""
function by_thread()
    spent = Dict{Int, Float64}()
    for name in listed("/proc/self/task")
        thread = parse(Int, name)
        time = clock_s(Cint(~thread << 3 | 6)) # the clock of another thread, as Linux numbers it
        time === nothing || (spent[thread] = time)
    end
    return spent
end

"""Number of processes that this one has started and that are still there."""
function children()
    return count(filter(name -> all(isdigit, name), listed("/proc"))) do name
        fields = try
            split(last(split(read("/proc/$name/stat", String), ')')))
        catch
            return false
        end
        length(fields) > 1 && parse(Int, fields[2]) == getpid()
    end
end

listed(directory::String) = isdir(directory) ? readdir(directory) : String[]
