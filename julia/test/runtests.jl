# Run with Pkg.test(), or: julia --project=PROJECT -e 'push!(LOAD_PATH, "julia"); include("julia/test/runtests.jl")'
# in a project that has the packages. What a missing package keeps from being tested is said.

using Test
using TwinBench

available(name) = Base.find_package(name) !== nothing

function include_if(file, packages...)
    missing_packages = filter(!available, collect(String, packages))
    isempty(missing_packages) || return @warn "$file is skipped: no $(join(missing_packages, ", "))"
    foreach(package -> @eval(import $(Symbol(package))), packages)
    return include(file)
end

const IMAGES = (
    "CoordinateTransformations",
    "HistogramThresholding",
    "ImageContrastAdjustment",
    "ImageCore",
    "ImageFiltering",
    "ImageMorphology",
    "ImageTransformations",
    "JpegTurbo",
    "PNGFiles",
)
const ALL = ("DataFrames", "CSV", "Flux", "JLD2", "DSP", "FFTW", "WAV", "SignalAnalysis", "MFCC", "MLUtils", IMAGES...)

@testset "TwinBench" begin
    include("measure.jl")
    include("warm_up.jl")
    include("crossing.jl")
    include_if("dataframes.jl", "DataFrames", "CSV")
    include_if("flux.jl", "Flux", "JLD2")
    include_if("dsp.jl", "DSP", "FFTW", "WAV")
    include_if("signalanalysis.jl", "SignalAnalysis")
    include_if("mfcc.jl", "MFCC")
    include_if("mlutils.jl", "MLUtils")
    include_if("images.jl", IMAGES...)
    include_if("together.jl", "DataFrames", "CSV", "Flux", "JLD2", IMAGES...)
    include_if("quality.jl", "Aqua", ALL...)
    include_if("inference.jl", "JET", ALL...)
end
