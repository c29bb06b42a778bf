"""
Julia's half of twinbench: the measurement protocol, and the frameworks under test.

Each framework is one file in `src/frameworks`, with the same ops in the same order as its Python counterparts. A
framework that needs a library is a package extension, so that a worker loads only the libraries that it measures and
their dependencies (Flux needs MLUtils.jl, MFCC.jl needs DSP.jl). `FRAMEWORKS` holds the loaded frameworks.
"""
module TwinBench

using LinearAlgebra: BLAS
using PrecompileTools: @compile_workload, @setup_workload

include("trend.jl")
include("measure.jl")
include("collector.jl")
include("crossing.jl")
include("own.jl")

"""The ops with which the harness measures itself. They need no library."""
module Probe
    include("frameworks/probe.jl")
end

"""The user's own functions."""
module Own
    include("frameworks/own.jl")
end

"""The loaded frameworks by name: modules with `NAME`, `OPS` (op to function) and, for tables, `table`."""
const FRAMEWORKS = Dict{String, Module}(Probe.NAME => Probe, Own.NAME => Own)

"""
    register!(framework::Module)

Add a framework to `FRAMEWORKS`. An extension calls this function when it is loaded.
"""
register!(framework::Module) = (FRAMEWORKS[framework.NAME] = framework)

const TOGETHER = (
    "TwinBenchDataFramesFlux" => (:TwinBenchDataFramesExt, :TwinBenchFluxExt),
    "TwinBenchImagesFlux" => (:TwinBenchImagesExt, :TwinBenchFluxExt),
)
"""Packages in `together/` whose code is compiled for extensions that are loaded in one process, and these extensions."""

"""
    load_together()

Load the packages of `TOGETHER` whose extensions are loaded and which are on the load path.
"""
function load_together()
    for (package, extensions) in TOGETHER
        all(name -> !isnothing(Base.get_extension(@__MODULE__, name)), extensions) || continue
        id = Base.identify_package(package)
        isnothing(id) || Base.require(id)
    end
    return nothing
end

"""
    exercise_together(package)

Use the ops of all frameworks for which a package of `TOGETHER` is compiled, so that what they need is compiled with it.
"""
function exercise_together(package::AbstractString)
    for extension in Dict(TOGETHER)[package]
        framework = Base.get_extension(@__MODULE__, extension)
        framework.exercise(framework)
    end
    return nothing
end

"""
    framework(name, file) -> Module

Return the framework of this name, reading it from `file` unless it is loaded. A framework read from a file, which may lie
outside this package, is compiled when it is first used.
"""
function framework(name::AbstractString, file::AbstractString)
    return get!(FRAMEWORKS, name) do
        found = Module(Symbol(name))
        Base.include(found, file)
        found
    end
end

"""
    op(framework::Module, name) -> Function

Return the function that implements an op. Throws KeyError.
"""
op(framework::Module, name::AbstractString) = framework.OPS[name]

"""
    placed(framework::Module, arrays)

Move arrays to the framework's device, or return them unchanged if the framework has none.
"""
placed(framework::Module, arrays::NamedTuple) = isdefined(framework, :placed) ? framework.placed(arrays) : arrays

"""
    set_blas_threads(n)

Give BLAS `n` threads.
"""
set_blas_threads(n::Integer) = BLAS.set_num_threads(n)

"""
    engine(framework::Module) -> names, descriptions

Return what executes the framework's calls beside its packages: the BLAS library, and what the framework adds.
"""
function engine(framework::Module)
    blas = join((basename(library.libname) for library in BLAS.get_config().loaded_libs), ", ")
    parts = (; blas, (isdefined(framework, :engine) ? framework.engine() : (;))...)
    return collect(string.(keys(parts))), collect(String, values(parts))
end

"""Functions that report the threads of each pool. An extension adds its library's pool."""
const POOLS = Dict{String, Function}("julia" => Threads.nthreads, "julia_blas" => BLAS.get_num_threads)

"""
    thread_counts() -> names, counts

Return the names of the thread pools, and the thread counts that the live runtime reports.
"""
thread_counts() = (collect(keys(POOLS)), Int[count() for count in values(POOLS)])

"""
    use_threads!(fftw::Module)

Give FFTW as many threads as Julia has.
"""
function use_threads!(fftw::Module)
    fftw.set_num_threads(Threads.nthreads())
    return POOLS["fftw"] = fftw.get_num_threads
end

@setup_workload begin
    spin = Call(Probe.spin, named(Values(["microseconds" => 1.0])), ())
    numbers, words = [1.0, 2.0], UInt32['a' 'b'; 'c' 0]
    @compile_workload begin
        first_call(spin)
        evals = calibrate(spin)
        collect_garbage()
        warm_up(spin, evals, 1)
        warm_again(spin, evals, 1.0, 1)
        flat(burst(spin, evals, 1, 1))
        values = Values()
        lend!(values, "x", Float64, UInt(pointer(numbers)), size(numbers), nothing)
        lend!(values, "n", Int64, 0, (0,), nothing)
        lend!(values, "w", Float32, 0, (0, 0), nothing)
        lend_text!(values, "s", UInt(pointer(words)), size(words), nothing)
        neutral(named(values))
        facts(named(values))
        collect(values[end].second)
        op(framework("probe.jl", ""), "probe.noop")
        add!(Values(), "p", 1.0)
        mapping(Values(["a" => "b"]))
        vector(Values(["" => "b"]))
    end
end

end
