# Splits and folds for MLUtils.jl. The contracts are in python/twinbench/ops/training/data.py; examples are the last dimension.

import MLUtils

const NAME = "MLUtils.jl"
const PACKAGES = ["MLUtils"]
const SUMMARY = "MLUtils.jl: splits, folds and batches in Julia"

"""Split views of examples and labels together, and then copy them."""
function split(p, arrays, given)
    x = p.flatten ? MLUtils.flatten(arrays.x) : arrays.x
    x_train, y_train = MLUtils.obsview((x, arrays.y), given.train .+ 1)
    x_test, y_test = MLUtils.obsview((x, arrays.y), given.test .+ 1)
    return (
        x_train = Float32.(x_train),
        y_train = Float32.(y_train),
        x_test = Float32.(x_test),
        y_test = Float32.(y_test),
    )
end

"""Apply `kfolds` to shuffled rows, because its own shuffling takes a generator of Julia's."""
function kfold(p, arrays, given)
    order = given.order .+ 1
    fold = similar(arrays.y)
    for (number, (_, tested)) in enumerate(MLUtils.kfolds(order, p.folds; stratified = arrays.y[order]))
        fold[tested] .= number - 1
    end
    return (; fold)
end

"""Load batches with a `DataLoader` over a view of the shuffled rows, which copies one batch at a time."""
function batches(p, arrays, given)
    loader = MLUtils.DataLoader(MLUtils.obsview((arrays.x, arrays.y), given.order .+ 1); batchsize = p.batch_size)
    sums = [(sum(x) / length(x), sum(y)) for (x, y) in loader]
    return (mean = Float64[first(s) for s in sums], label_sum = Int[last(s) for s in sums])
end

const NOTES = Dict(
    "training.split" =>
        "by given row numbers: MLUtils.splitobs shuffles by a generator of Julia's, which draws other rows from the same seed",
)

const DEVIATIONS = Dict("training.kfold" => (
    reason = "MLUtils 0.4.10 deals out each class for itself, the first folds getting what is over: a row at the edge of a fold may be in the next one, and first folds are larger by up to a row a class",
    atol = 1.0,
))

const OPS = Dict{String, Function}("training.split" => split, "training.kfold" => kfold, "training.batches" => batches)
