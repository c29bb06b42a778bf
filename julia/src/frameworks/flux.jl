# The training ops for Flux. The same ops in the same order for PyTorch are in python/twinbench/frameworks/torch/; the
# contracts are in python/twinbench/ops/training/.
#
# Flux is imported and never `using`: it exports names that other packages export too. The dimensions of arrays are reversed
# on their way from NumPy, which are the same bytes: examples are the last one, and weights (outputs, inputs).

import Flux
import JLD2
import TwinBench
using Statistics: mean, std

const NAME = "Flux"
const PACKAGES = ["Flux", "JLD2"]
const SUMMARY = "Flux: neural networks in Julia"
const DEVICES = ["cuda"]

"""Function that moves arrays of numbers to where they are held: unchanged, or on a device after `use`."""
const HELD = Ref{Any}(identity)

"""Arrays of row numbers and shapes, which never move to a device because their elements are read one by one."""
const COUNTED = (:input, :order, :train, :test)

use(array_type) = (HELD[] = array_type; nothing)
placed(arrays) = NamedTuple(name => name in COUNTED ? array : HELD[](array) for (name, array) in pairs(arrays))

"""Return the backend of Flux: the packages of its gradients and kernels, and the type that holds arrays of numbers."""
engine() = (
    gradients = "Zygote $(pkgversion(Flux.Zygote))",
    kernels = "NNlib $(pkgversion(Flux.NNlib))",
    arrays = HELD[] === identity ? "Array" : string(HELD[]),
)

"""A trained model, the shape of its examples in NumPy's order, and the loss of every step."""
struct Trained{M}
    model::M
    input::Vector{Int64}
    losses::Vector{Float32}
end

"""An LSTM layer that returns its last hidden state: (features, steps, n) to (units, n)."""
struct LastHidden{C}
    cell::C
end

Flux.@layer LastHidden

function (layer::LastHidden)(x::AbstractArray{<:Real, 3})
    state = initial(layer.cell, x)
    for t in axes(x, 2)
        _, state = layer.cell(at(x, t), state)
    end
    return first(state)
end

"""Return step `t` of the examples. Examples need no gradient, which `eachslice` would assemble."""
at(x, t) = x[:, t, :]

Flux.ChainRulesCore.@non_differentiable at(::Any, ::Any)

"""Return both initial states, 0 for every example."""
function initial(cell, x)
    h = Flux.zeros_like(x, (size(cell.Wh, 2), size(x, 3)))
    return h, h
end

"""Compute z-scores over the examples, the last dimension; dividing a constant feature by infinity makes it 0."""
function standardise(p, arrays)
    x = arrays.x
    last = ndims(x)
    centre = mean(x; dims = last)
    deviation = std(x; dims = last, mean = centre, corrected = false)
    deviation[all(x .== selectdim(x, last, 1:1); dims = last)] .= Inf
    return (; arrays..., x = (x .- centre) ./ deviation)
end

"""Select examples, which are the last dimension."""
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

"""Sort by (class, index modulo folds), which deals the rows of each class out to the folds in ascending order."""
function kfold(p, arrays, given)
    labels = arrays.y[given.order .+ 1]
    by_class = sortperm(labels; alg = MergeSort)
    places = labels[by_class] .* p.folds .+ (0:(length(labels) - 1)) .% p.folds
    fold = similar(arrays.y)
    fold[given.order[by_class] .+ 1] = sort!(places) .% p.folds
    return (; fold)
end

"""Train a network from the given weights, in the given order of rows."""
function train(p, arrays, given)
    model = network(given)
    x, y = examples(first(model.layers), arrays.x_train), arrays.y_train
    if p.classes == 2
        losses = train!(model, Flux.logitbinarycrossentropy, p, x, reshape(y, 1, :), given.order)
    else
        losses = train!(model, Flux.logitcrossentropy, p, x, Flux.onehotbatch(Int.(y), 0:(p.classes - 1)), given.order)
    end
    return Trained(model, copy(given.input), losses)
end

"""Build the layers that the names and shapes of the weights describe, with copies, because training changes weights."""
function network(given)
    names = String.(keys(given))
    convolutions = count(startswith("conv"), names) ÷ 2
    layers = Any[]
    for i in 1:convolutions
        w, b = given[Symbol(:conv, i, :_w)], given[Symbol(:conv, i, :_b)]
        push!(layers, Flux.Conv(turned(w), copy(b), Flux.relu; pad = size(w, 1) ÷ 2), pool)
    end
    convolutions > 0 && push!(layers, Flux.flatten)
    if "lstm_wx" in names
        push!(layers, LastHidden(Flux.LSTMCell(copy(given.lstm_wx), copy(given.lstm_wh), copy(given.lstm_b))))
    end
    depth = count(startswith("w"), names)
    for i in 1:depth
        activation = i < depth ? Flux.relu : identity
        push!(layers, Flux.Dense(copy(given[Symbol(:w, i)]), copy(given[Symbol(:b, i)]), activation))
    end
    return Flux.Chain(layers...)
end

"""Reverse a kernel: Flux convolves, which turns the kernel, and the contracts correlate."""
turned(w::AbstractArray{Float32, N}) where {N} = reverse(w; dims = ntuple(identity, N - 2))

"""
    pool(x)

The largest of every 2 values along the spatial axes, (width, height, channels, n) or (length, channels, n).

With a gradient of its own: that of `Flux.maxpool` goes to the first value within a relative 3.5e-4 of the largest (NNlib
compares by `≈`).
"""
pool(x::AbstractArray{<:Real, N}) where {N} = Flux.maxpool(x, ntuple(_ -> 2, N - 2))

Flux.Zygote.@adjoint function pool(x)
    largest = pool(x)
    return largest, change -> (unpool(change, largest, x),)
end

"""Add each derivative at the position of its window's largest value, the first if several are equal."""
function unpool(change, largest, x::Array{<:Real, N}) where {N}
    spread = zero(x)
    window = CartesianIndices(ntuple(axis -> axis <= N - 2 ? (0:1) : (0:0), N))
    for place in CartesianIndices(largest)
        corner = CartesianIndex(ntuple(axis -> axis <= N - 2 ? 2 * place[axis] - 1 : place[axis], N))
        for offset in window
            if x[corner + offset] == largest[place]
                spread[corner + offset] = change[place]
                break
            end
        end
    end
    return spread
end

"""Do the same for arrays on a device, without access to single elements: one position of all windows at a time."""
function unpool(change, largest, x::AbstractArray{<:Real, N}) where {N}
    spread, free = zero(x), fill!(similar(largest, Bool), true)
    for offset in CartesianIndices(ntuple(_ -> 1:2, N - 2))
        places = ntuple(axis -> axis <= N - 2 ? (offset[axis]:2:(2 * size(largest, axis))) : Colon(), N)
        hit = free .& (view(x, places...) .== largest)
        view(spread, places...) .= ifelse.(hit, change, zero(eltype(x)))
        free .&= .!hit
    end
    return spread
end

"""Return examples in the first layer's form: (width, height, channels, n) or (features, steps, n)."""
examples(_, x) = x
examples(::LastHidden, x) = ndims(x) == 2 ? reshape(x, 1, size(x)...) : x

function examples(layer::Flux.Conv, x)
    ndims(x) == ndims(layer.weight) || return reshape(x, size(x)[1:(end - 1)]..., 1, size(x)[end])
    return permutedims(x, (2:(ndims(x) - 1)..., 1, ndims(x)))
end

"""Return the examples with these numbers, counted from 1."""
batch(x::AbstractArray{T, N}, rows) where {T, N} = x[ntuple(_ -> :, N - 1)..., rows]

"""
    train!(model, loss, p, x, y, order) -> losses

`y` holds an example in each column. `order` holds an epoch's rows, counted from 0, in each column.
"""
function train!(model, loss::L, p, x::AbstractArray{Float32}, y::AbstractMatrix, order::Matrix{Int64}) where {L}
    state = Flux.setup(rule(p.optimizer), model)
    losses = Float32[]
    for epoch in eachcol(order .+ 1), rows in Iterators.partition(epoch, p.batch_size)
        push!(losses, step!(model, state, loss, batch(x, rows), batch(y, rows)))
    end
    return losses
end

"""Return the optimizer that a contract describes."""
function rule(o)
    o.name == "sgd" && o.nesterov && return Flux.Nesterov(o.lr, o.momentum)
    o.name == "sgd" && return o.momentum == 0 ? Flux.Descent(o.lr) : Flux.Momentum(o.lr, o.momentum)
    o.name == "adam" && return Flux.Adam(o.lr, (o.beta1, o.beta2), o.eps)
    return Flux.AdamW(o.lr, (o.beta1, o.beta2), o.weight_decay, o.eps)
end

"""Update the weights once. Returns the loss before the update."""
function step!(model, state, loss::L, x, y) where {L}
    value, gradients = Flux.withgradient(m -> loss(m(x), y), model)
    Flux.update!(state, model, only(gradients))
    return value
end

"""Return the probability of class 1 for each row, or of every class."""
function predict(p, trained, arrays)
    x = arrays.x_test
    count = size(x, ndims(x))
    rows = p.rows == 0 ? count : min(p.rows, count)
    asked = examples(first(trained.model.layers), rows == count ? x : batch(x, 1:rows))
    return (; scores = probabilities(trained.model, asked, rows, p.batch_size))
end

function probabilities(model, x::AbstractArray{Float32}, count::Int, batch_size::Int)
    logits = similar(x, length(last(model.layers).bias), count)
    for rows in Iterators.partition(1:count, batch_size)
        logits[:, rows] .= model(batch(x, rows))
    end
    return size(logits, 1) == 1 ? Flux.sigmoid.(vec(logits)) : Flux.softmax(logits)
end

"""Save arrays by name. The function isn't called `export`, because that is a keyword."""
function save(p, trained)
    path = joinpath(tempdir(), "model.jld2")
    JLD2.jldsave(path; input = trained.input, weights(Flux.cpu(trained.model))...)
    return Saved(path)
end

"""Path to which a model was saved."""
struct Saved
    path::String
end

"""Read arrays of numbers, and refuse any other content of the file."""
function restore(saved)
    read = JLD2.load(saved.path)
    all(array -> array isa Array{<:Union{Float32, Int64}}, values(read)) ||
        error("$(saved.path) holds more than arrays")
    return NamedTuple(Symbol(name) => array for (name, array) in read)
end

"""Load a saved model: one saved by this process, or from a path, one saved by another process."""
function load(p, saved)
    given = placed(restore(saved))
    return Trained(network(given), given.input, Float32[])
end

load(p, path::AbstractString) = load(p, Saved(path))

"""Build a model from its weights and losses."""
model(given) = Trained(network(placed(given)), copy(given.input), copy(given.losses))

"""Return the weights under the contracts' names and in their shapes."""
function weights(model)
    named = Pair{Symbol, Any}[]
    convolutions = dense = 0
    for layer in model.layers
        if layer isa Flux.Conv
            convolutions += 1
            push!(named, Symbol(:conv, convolutions, :_w) => turned(layer.weight))
            push!(named, Symbol(:conv, convolutions, :_b) => layer.bias)
        elseif layer isa LastHidden
            push!(named, :lstm_wx => layer.cell.Wi, :lstm_wh => layer.cell.Wh, :lstm_b => layer.cell.bias)
        elseif layer isa Flux.Dense
            dense += 1
            push!(named, Symbol(:w, dense) => layer.weight, Symbol(:b, dense) => layer.bias)
        end
    end
    return NamedTuple(named)
end

TwinBench.neutral(trained::Trained) = TwinBench.neutral((;
    trained.input,
    weights(trained.model)...,
    trained.losses,
))

TwinBench.facts(trained::Trained) = TwinBench.Values(["model" => string(typeof(trained.model))])

function TwinBench.neutral(saved::Saved)
    given = restore(saved)
    return TwinBench.neutral((; given.input, weights(network(given))...))
end

TwinBench.facts(saved::Saved) = TwinBench.Values([
    "format" => "JLD2 of arrays by name",
    "bytes" => string(filesize(saved.path)),
])

const NOTES = Dict(
    "training.cnn" =>
        "pools by Flux.maxpool with a gradient written here: Flux's own goes to the first value within a relative 3.5e-4 of the largest, which is not the contract's and moves the first losses by up to 6e-2",
    "training.cnn1d" => "pools by Flux.maxpool with a gradient written here, as in training.cnn",
)

const OPS = Dict{String, Function}(
    "training.standardise" => standardise,
    "training.split" => split,
    "training.kfold" => kfold,
    "training.mlp" => train,
    "training.cnn" => train,
    "training.cnn1d" => train,
    "training.lstm" => train,
    "training.predict" => predict,
    "training.export" => save,
    "training.load" => load,
)
