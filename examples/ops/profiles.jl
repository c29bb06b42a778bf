# Features of images for `digit-profiles.toml`.

using Statistics: mean

include("smoothing.jl")

"""
    profiles(images; window)

Return the ink per row and per column of each image, from 0 to 1, as `x` (height + width, images): NumPy's axes come in the
reverse order, so the same memory needs no copy.
"""
function profiles(images; window)
    ink = images.x ./ 255 # (width, height, images)
    rows = dropdims(mean(ink; dims = 1); dims = 1)
    columns = dropdims(mean(ink; dims = 2); dims = 2)
    return (x = vcat(smooth(rows, window), smooth(columns, window)), y = images.y)
end
