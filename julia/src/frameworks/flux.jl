# The training ops for Flux. The same ops in the same order for PyTorch are in python/twinbench/frameworks/torch.py; the
# contracts are in python/twinbench/ops/training.py.
#
# Flux is imported and never `using`: it exports names that other packages export too. Arrays are (features, rows) and weights
# (outputs, inputs): the same bytes as the contracts' row-major (rows, features) and (inputs, outputs).

import Flux
import TwinBench
using Statistics: mean, std

const NAME = "Flux"
const PACKAGES = ["Flux"]
const SUMMARY = "Flux: neural networks in Julia"

"""A trained model and the loss of every step."""
struct Trained{M}
    model::M
    losses::Vector{Float32}
end

"""z-scores over the examples, which are the last dimension; a constant feature is divided by infinity."""
function standardise(p, arrays)
    x = arrays.x
    last = ndims(x)
    centre = mean(x; dims = last)
    deviation = std(x; dims = last, mean = centre, corrected = false)
    deviation[all(x .== selectdim(x, last, 1:1); dims = last)] .= Inf
    return (; arrays..., x = (x .- centre) ./ deviation)
end

"""Rows of examples, which are the last dimension."""
function split(p, arrays, given)
    x = p.flatten ? Flux.flatten(arrays.x) : arrays.x
    train, test = given.train .+ 1, given.test .+ 1
    return (
        x_train = Float32.(selectdim(x, ndims(x), train)),
        y_train = Float32.(@view arrays.y[train]),
        x_test = Float32.(selectdim(x, ndims(x), test)),
        y_test = Float32.(@view arrays.y[test]),
    )
end

"""Train a multilayer perceptron from the given weights, in the given order of rows."""
function mlp(p, arrays, given)
    y = arrays.y_train
    p.classes == 2 &&
        return train(network(given), Flux.logitbinarycrossentropy, p, arrays.x_train, reshape(y, 1, :), given.order)
    classes = Flux.onehotbatch(Int.(y), 0:(p.classes - 1))
    return train(network(given), Flux.logitcrossentropy, p, arrays.x_train, classes, given.order)
end

"""The given initial layers, copied: training changes them."""
function network(given)
    depth = count(startswith("w"), String.(keys(given)))
    layers = ntuple(depth) do i
        activation = i < depth ? Flux.relu : identity
        Flux.Dense(copy(given[Symbol(:w, i)]), copy(given[Symbol(:b, i)]), activation)
    end
    return Flux.Chain(layers)
end

"""`y` holds an example in each column. `order` holds an epoch's rows, counted from 0, in each column."""
function train(model, loss::L, p, x::Matrix{Float32}, y::AbstractMatrix, order::Matrix{Int64}) where {L}
    adam = p.optimizer
    state = Flux.setup(Flux.Adam(adam.lr, (adam.beta1, adam.beta2), adam.eps), model)
    losses = Float32[]
    for epoch in eachcol(order), batch in Iterators.partition(epoch, p.batch_size)
        rows = batch .+ 1
        push!(losses, step!(model, state, loss, x[:, rows], y[:, rows]))
    end
    return Trained(model, losses)
end

"""One update. Returns the loss before it."""
function step!(model, state, loss::L, x::Matrix{Float32}, y::AbstractMatrix) where {L}
    value, gradients = Flux.withgradient(m -> loss(m(x), y), model)
    Flux.update!(state, model, only(gradients))
    return value
end

"""The probability of class 1 for each row, or of every class."""
predict(p, trained, arrays) = (; scores = probabilities(trained.model, arrays.x_test, p.batch_size))

function probabilities(model, x::Matrix{Float32}, batch_size::Int)
    logits = Matrix{Float32}(undef, length(last(model.layers).bias), size(x, 2))
    for rows in Iterators.partition(axes(x, 2), batch_size)
        logits[:, rows] .= model(@view x[:, rows])
    end
    return size(logits, 1) == 1 ? Flux.sigmoid.(vec(logits)) : Flux.softmax(logits)
end

TwinBench.neutral(trained::Trained) = TwinBench.Values([
    [
        name => array
        for (i, layer) in enumerate(trained.model.layers)
        for (name, array) in ("w$i" => layer.weight, "b$i" => layer.bias)
    ]
    "losses" => trained.losses
])

TwinBench.facts(trained::Trained) = TwinBench.Values(["model" => string(typeof(trained.model))])

const OPS = Dict{String, Function}(
    "training.standardise" => standardise,
    "training.split" => split,
    "training.mlp" => mlp,
    "training.predict" => predict,
)
