"""The JuliaImages framework, compiled ahead for grey and for RGB images."""
module TwinBenchImagesExt

import TwinBench
using PrecompileTools: @compile_workload, @setup_workload

include("../src/frameworks/images.jl")

__init__() = TwinBench.register!(@__MODULE__)

@setup_workload begin
    bytes(size...) = [UInt8(sum(place.I .* 37) % 256) for place in CartesianIndices(size)]
    colours, greys = bytes(3, 24, 20, 2), bytes(24, 20, 2)
    labels = [0, 1]
    numbers = (top = [0, 1], left = [1, 0], flip = UInt8[0, 1], factor = [0.5, 1.5])
    smaller, larger = (height = 10, width = 12), (height = 30, width = 40)
    matrix = [0.9, 0.1, 1.0, -0.1, 1.1, 2.0]
    @compile_workload begin
        for x in (colours, greys)
            pictures = images((; x, y = labels))
            TwinBench.facts(pictures)
            for size in (smaller, larger)
                resize(size, pictures)
                resize_antialiased(size, pictures)
            end
            for op in (gaussian_blur, median, rotate, affine)
                op((sigma = 1.5, radius = 6, size = 5, degrees = 10.0, fill = 0, matrix), pictures)
            end
            TwinBench.neutral(augment(smaller, pictures, numbers))
        end
        for (ending, save, load) in ((".png", PNGFiles.save, decode_png), (".jpg", JpegTurbo.jpeg_encode, decode_jpeg))
            mktempdir() do directory
                save(joinpath(directory, "1$ending"), first(images((; x = colours)).x))
                TwinBench.neutral(load((;), directory))
            end
        end
        TwinBench.neutral(normalise((mean = [0.5, 0.5, 0.5], sd = [0.5, 0.5, 0.5]), images((; x = colours))))
        greyed = grey((;), images((; x = colours)))
        TwinBench.neutral(normalise((mean = [0.5], sd = [0.5]), greyed))
        sobel((;), greyed)
        equalise((;), greyed)
        opened = opening((; size = 5), otsu((;), greyed))
        for connectivity in (4, 8)
            TwinBench.neutral(components((; connectivity), opened))
        end
    end
end

end
