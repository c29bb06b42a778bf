"""
    exercise(framework::Module)

Use the ops of JuliaImages on grey and on RGB images, so that what they need is compiled.
"""
function exercise(framework::Module)
    bytes(size...) = [UInt8(sum(place.I .* 37) % 256) for place in CartesianIndices(size)]
    colours, greys = bytes(3, 24, 20, 2), bytes(24, 20, 2)
    labels = [0, 1]
    numbers = (top = [0, 1], left = [1, 0], flip = UInt8[0, 1], factor = [0.5, 1.5])
    smaller, larger = (height = 10, width = 12), (height = 30, width = 40)
    matrix = [0.9, 0.1, 1.0, -0.1, 1.1, 2.0]
    for x in (colours, greys)
        pictures = framework.images((; x, y = labels))
        TwinBench.facts(pictures)
        for size in (smaller, larger)
            framework.resize(size, pictures)
            framework.resize_antialiased(size, pictures)
        end
        for op in (framework.gaussian_blur, framework.median, framework.rotate, framework.affine)
            op((sigma = 1.5, radius = 6, size = 5, degrees = 10.0, fill = 0, matrix), pictures)
        end
        TwinBench.neutral(framework.augment(smaller, pictures, numbers))
    end
    for (ending, save, load) in (
            (".png", framework.PNGFiles.save, framework.decode_png),
            (".jpg", framework.JpegTurbo.jpeg_encode, framework.decode_jpeg),
        )
        mktempdir() do directory
            save(joinpath(directory, "1$ending"), first(framework.images((; x = colours)).x))
            TwinBench.neutral(load((;), directory))
        end
    end
    TwinBench.neutral(framework.normalise(
        (mean = [0.5, 0.5, 0.5], sd = [0.5, 0.5, 0.5]),
        framework.images((; x = colours)),
    ))
    greyed = framework.grey((;), framework.images((; x = colours)))
    TwinBench.neutral(framework.normalise((mean = [0.5], sd = [0.5]), greyed))
    framework.sobel((;), greyed)
    framework.equalise((;), greyed)
    opened = framework.opening((; size = 5), framework.otsu((;), greyed))
    for connectivity in (4, 8)
        TwinBench.neutral(framework.components((; connectivity), opened))
    end
    return nothing
end
