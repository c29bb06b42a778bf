"""
Code of JuliaImages and Flux, compiled for a process that loads both.

Packages that one of them brings along define methods which make code invalid that was compiled without them, most of
Zygote's among it.
"""
module TwinBenchImagesFlux

import CoordinateTransformations,
    HistogramThresholding,
    ImageContrastAdjustment,
    ImageCore,
    ImageFiltering,
    ImageMorphology,
    ImageTransformations,
    JpegTurbo,
    PNGFiles
import Flux, JLD2, Statistics
import TwinBench
using PrecompileTools: @compile_workload

@compile_workload begin
    TwinBench.exercise_together("TwinBenchImagesFlux")
end

end
