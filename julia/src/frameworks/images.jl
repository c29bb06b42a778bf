# The image ops for the packages of JuliaImages. The same ops in the same order for Python are in
# python/twinbench/frameworks/pillow.py, opencv.py and skimage.py; the contracts are in python/twinbench/ops/images/.
#
# An image is a Matrix{Gray{N0f8}} or a Matrix{RGB{N0f8}}, (height, width), and a batch is a vector of them.

import TwinBench
using CoordinateTransformations: AffineMap
using HistogramThresholding: Otsu, find_threshold
using ImageContrastAdjustment: build_histogram
using ImageCore: Colorant, Gray, N0f8, RGB, channelview, clamp01, colorview, gray
using ImageFiltering: Fill, KernelFactors, NA, Pad, centered, imfilter, kernelfactors, mapwindow, padarray
using ImageMorphology: dilate, erode, label_components!, strel_box, strel_diamond
using ImageTransformations: imresize, imrotate, warp
using Statistics: median!
import JpegTurbo
import PNGFiles

const NAME = "JuliaImages"
const PACKAGES = [
    "ImageCore",
    "CoordinateTransformations",
    "HistogramThresholding",
    "ImageContrastAdjustment",
    "ImageFiltering",
    "ImageMorphology",
    "ImageTransformations",
    "JpegTurbo",
    "PNGFiles",
]
const SUMMARY = "The packages of JuliaImages: arrays of colours"

const Grey = Gray{N0f8}
const Colour = RGB{N0f8}
"""Convert NumPy's bytes, with reversed dimensions (width, height, images) or (3, width, height, images), into images."""
images(arrays) = (; arrays..., x = pictures(arrays.x))

pictures(bytes::Array{UInt8, 3}) = pictures(reinterpret(Grey, bytes))
pictures(bytes::Array{UInt8, 4}) = pictures(reinterpret(reshape, Colour, bytes))
pictures(pixels::AbstractArray{<:Colorant, 3}) = [permutedims(@view pixels[:, :, i]) for i in axes(pixels, 3)]

"""Convert images back into NumPy's bytes."""
function TwinBench.plain(images::Vector{Matrix{C}}) where {C <: Colorant}
    pixels = Array{C}(undef, reverse(sizes(images))..., length(images))
    for (i, image) in enumerate(images)
        permutedims!(view(pixels, :, :, i), image, (2, 1))
    end
    return bytes(pixels)
end

"""Return height and width of an image."""
sizes(images) = isempty(images) ? (0, 0) : size(first(images))

bytes(pixels::Array{Grey, 3}) = collect(reinterpret(UInt8, pixels))
bytes(pixels::Array{Colour, 3}) = collect(reinterpret(reshape, UInt8, pixels))

"""Apply a function to every image; the value's other arrays are passed on."""
each(f::F, images) where {F} = isempty(images.x) ? images : (; images..., x = map(f, images.x))

"""Round floats from 0 to 1 to grey levels."""
levels(image::AbstractMatrix{<:Gray}) = Grey.(image)
levels(image::AbstractMatrix{<:RGB}) = Colour.(image)

"""
What a function of windows makes of an image, or of one with its border repeated, which is cut off again: some functions
fail where a window is larger than the image.
"""
function windowed(f::F, image, radius) where {F}
    minimum(size(image)) > 2 * radius && return f(image)
    whole = f(parent(padarray(image, Pad(:replicate, (radius, radius)))))
    return whole[radius .+ axes(image, 1), radius .+ axes(image, 2)]
end

"""Repeat the only row or column of an image, because interpolation needs two."""
thick(image) = minimum(size(image)) > 1 ? image : repeat(image; inner = map(n -> n == 1 ? 2 : 1, size(image)))

"""Return the files of a kind, sorted by name."""
function decode(load::F, directory, ending) where {F}
    files = filter(endswith(ending), readdir(directory; join = true))
    return (; x = isempty(files) ? Matrix{Grey}[] : map(load, files))
end

"""Read a file without the colour correction that it may ask for."""
decode_png(_, directory) = decode(file -> PNGFiles.load(file; gamma = 1.0), directory, ".png")

decode_jpeg(_, directory) = decode(file -> JpegTurbo.jpeg_decode(lengthened(read(file))), directory, ".jpg")

"""Append bytes that no decoder reads, and a second end of the image: JpegTurbo refuses files of up to 623 bytes."""
lengthened(bytes) = length(bytes) > 623 ? bytes : [bytes; zeros(UInt8, 622); 0xff; 0xd9]

resize(p, images) = each(image -> imresize(thick(image), (p.height, p.width)), images)

"""Blur by a Gaussian along the axes that shrink, then interpolate bilinearly, as JuliaImages' documentation says."""
function resize_antialiased(p, images)
    wanted = (p.height, p.width)
    return each(images) do image
        sigma = map((old, new) -> old > new ? 0.75 * old / new : 0.0, size(image), wanted)
        levels(imresize(thick(imfilter(image, KernelFactors.gaussian(sigma), NA())), wanted))
    end
end

grey(_, images) = each(image -> Gray.(image), images)

"""Blur with a kernel in Float32, which is enough for 8 bits; a Float64 kernel would compute in Float64."""
function gaussian_blur(p, images)
    sigma, size = Float32(p.sigma), 2 * p.radius + 1
    kernel = KernelFactors.gaussian((sigma, sigma), (size, size))
    return each(image -> levels(imfilter(float32(eltype(image)), image, kernel, "replicate")), images)
end

float32(::Type{Grey}) = Gray{Float32}
float32(::Type{Colour}) = RGB{Float32}

"""Factors of Sobel's kernels as in `KernelFactors.sobel`, divided by 8 in total, but in Float32."""
const SMOOTH, RISE = centered(Float32[1, 2, 1] / 4), centered(Float32[-1, 0, 1] / 2)

"""Compute the magnitude, scaled to the contract's division by the root of 32."""
sobel(_, images) = each(image -> windowed(magnitude, image, 1), images)

function magnitude(image)
    x = Float32.(image)
    gy = imfilter(x, kernelfactors((RISE, SMOOTH)), "replicate")
    gx = imfilter(x, kernelfactors((SMOOTH, RISE)), "replicate")
    return map((y, x) -> Grey(sqrt(2 * (x^2 + y^2))), gy, gx)
end

median(p, images) = each(image -> windowed(image -> middle(image, p.size), image, p.size ÷ 2), images)

middle(image::Matrix{Grey}, size) = levels(mapwindow(median!, image, (size, size)))
middle(image::Matrix{Colour}, size) = levels(colorview(RGB, mapwindow(median!, channelview(image), (1, size, size))))

"""Rotate with the angle negated, because JuliaImages counts clockwise as positive."""
rotate(p, images) = each(
    image -> imrotate(framed(image, p.fill), -deg2rad(p.degrees), axes(image); fillvalue = N0f8(p.fill / 255)),
    images,
)

"""Apply the contract's matrix to rows and columns, counted from 1."""
function affine(p, images)
    a, b, c, d, e, f = p.matrix
    map = AffineMap([e d; b a], [f + 1 - d - e, c + 1 - a - b])
    return each(image -> warp(framed(image, p.fill), map, axes(image); fillvalue = N0f8(p.fill / 255)), images)
end

"""Add a border of the fill, so that interpolation fades the image's edges into it."""
framed(image, fill) = padarray(image, Fill(eltype(image)(fill / 255), (1, 1)))

"""Look up each level in the cumulative histogram: `Equalization` would take the share of the pixels below a level."""
function equalise(_, images)
    return each(images) do image
        constant(image) && return copy(image)
        _, counts = build_histogram(image)
        totals = cumsum(counts[1:end])
        lowest = totals[findfirst(>(0), totals)]
        lookup = Grey.(max.(totals .- lowest, 0) ./ (totals[end] - lowest))
        map(pixel -> lookup[reinterpret(gray(pixel)) + 1], image)
    end
end

constant(image) = all(==(first(image)), image)

"""Threshold over all 256 levels: `binarize` would divide the range that occurs into 256."""
function otsu(_, images)
    return each(images) do image
        constant(image) && return zero(image)
        edges, counts = build_histogram(image)
        threshold = find_threshold(counts[1:end], edges, Otsu())
        map(pixel -> Grey(pixel > threshold), image)
    end
end

"""Take minimum, then maximum, by columns and then by rows; a repeated border adds no value to a window."""
function opening(p, images)
    column, row, radius = strel_box((p.size, 1)), strel_box((1, p.size)), p.size ÷ 2
    return each(images) do image
        lowest = windowed(pixels -> erode(erode(pixels, column), row), image, radius)
        windowed(pixels -> dilate(dilate(pixels, column), row), lowest, radius)
    end
end

"""Label a mask, because `label_components` also separates values."""
function components(p, images)
    labels = Array{Int32}(undef, sizes(images.x)..., length(images.x))
    neighbours = p.connectivity == 8 ? strel_box((3, 3)) : strel_diamond((3, 3))
    for (i, image) in enumerate(images.x)
        label_components!(view(labels, :, :, i), map(!iszero, image), neighbours)
    end
    count = [Int(maximum(@view labels[:, :, i])) for i in axes(labels, 3)]
    return (; labels = PermutedDimsArray(labels, (2, 1, 3)), count)
end

"""Normalise with rows and columns exchanged: arrays from NumPy are (width, height, images)."""
function normalise(p, images)
    mean, sd = Float32.(p.mean), Float32.(p.sd)
    return (; images..., x = normalised(images.x, mean, sd))
end

"""View of an image with its axes exchanged, as a type: `PermutedDimsArray(image, (2, 1))` isn't inferred."""
const Turned{C} = PermutedDimsArray{C, 2, (2, 1), (2, 1), Matrix{C}}

function normalised(images::Vector{Matrix{Grey}}, mean, sd)
    x = Array{Float32}(undef, reverse(sizes(images))..., length(images))
    for (i, image) in enumerate(images)
        @views x[:, :, i] .= (gray.(Turned{Grey}(image)) .- only(mean)) ./ only(sd)
    end
    return x
end

function normalised(images::Vector{Matrix{Colour}}, mean, sd)
    x = Array{Float32}(undef, 3, reverse(sizes(images))..., length(images))
    for (i, image) in enumerate(images)
        @views x[:, :, :, i] .= (channelview(Turned{Colour}(image)) .- mean) ./ sd
    end
    return x
end

"""Crop by views, reverse, then scale."""
function augment(p, images, given)
    isempty(images.x) && return images
    x = map(images.x, given.top, given.left, given.flip, given.factor) do image, top, left, flip, factor
        part = @view image[top .+ (1:p.height), left .+ (1:p.width)]
        levels(clamp01.(Float32(factor) .* (flip == 1 ? reverse(part; dims = 2) : part)))
    end
    return (; images..., x)
end

const OPS = Dict{String, Function}(
    "images.decode_png" => decode_png,
    "images.decode_jpeg" => decode_jpeg,
    "images.resize" => resize,
    "images.resize_antialiased" => resize_antialiased,
    "images.grey" => grey,
    "images.gaussian_blur" => gaussian_blur,
    "images.sobel" => sobel,
    "images.median" => median,
    "images.rotate" => rotate,
    "images.affine" => affine,
    "images.equalise" => equalise,
    "images.otsu" => otsu,
    "images.opening" => opening,
    "images.components" => components,
    "images.normalise" => normalise,
    "images.augment" => augment,
)

const NOTES = Dict(
    "images.rotate" => "warp doesn't fade edges into the fill: the image gets a frame of it first.",
    "images.affine" => "warp doesn't fade edges into the fill: the image gets a frame of it first.",
    "images.equalise" =>
        "Equalization maps a level to the share of the pixels below it; the histogram is asked for instead.",
    "images.otsu" =>
        "binarize divides the range that occurs into 256; the histogram of all levels is asked for instead.",
)

const DEVIATIONS = Dict("images.resize_antialiased" => (
    reason = "JuliaImages has no antialiased resize; its documentation blurs by a Gaussian of 0.75 times the factor first",
    effect = "images are softer than Pillow's and PyTorch's: don't train on those of one and predict with those of another",
    levels = 1,
    computes = "twinbench.frameworks.image_formulas:juliaimages_resize_antialiased",
))
