# The training ops for Flux. The same ops in the same order for PyTorch are in python/twinbench/frameworks/torch.py; the
# contracts are in python/twinbench/ops/training.py.
#
# Flux is imported and never `using`: it exports names that other packages export too. Arrays are (features, rows) and weights
# (outputs, inputs): the same bytes as the contracts' row-major (rows, features) and (inputs, outputs).

import Flux
import TwinBench

const NAME = "Flux"
const PACKAGES = ["Flux"]
const SUMMARY = "Flux: neural networks in Julia"

"""A trained model and the loss of every step."""
struct Trained{M}
    model::M
    losses::Vector{Float32}
end

"""Train a multilayer perceptron from the given weights, in the given order of rows."""
mlp(p, arrays, given) = train(network(given), p, arrays.x_train, arrays.y_train, given.order)

"""The given initial layers, copied: training changes them."""
function network(given)
    depth = count(startswith("w"), String.(keys(given)))
    layers = ntuple(depth) do i
        activation = i < depth ? Flux.relu : identity
        Flux.Dense(copy(given[Symbol(:w, i)]), copy(given[Symbol(:b, i)]), activation)
    end
    return Flux.Chain(layers)
end

"""`order` holds an epoch's rows, counted from 0, in each column."""
function train(model, p, x::Matrix{Float32}, y::Vector{Float32}, order::Matrix{Int64})
    adam = p.optimizer
    state = Flux.setup(Flux.Adam(adam.lr, (adam.beta1, adam.beta2), adam.eps), model)
    losses = Float32[]
    for epoch in eachcol(order), batch in Iterators.partition(epoch, p.batch_size)
        rows = batch .+ 1
        push!(losses, step!(model, state, x[:, rows], reshape(y[rows], 1, :)))
    end
    return Trained(model, losses)
end

"""One update. Returns the loss before it."""
function step!(model, state, x::Matrix{Float32}, y::Matrix{Float32})
    loss, gradients = Flux.withgradient(m -> Flux.logitbinarycrossentropy(m(x), y), model)
    Flux.update!(state, model, only(gradients))
    return loss
end

"""The probability of class 1 for each row."""
function predict(p, trained, arrays)
    scores = Vector{Float32}(undef, size(arrays.x_test, 2))
    for rows in Iterators.partition(eachindex(scores), p.batch_size)
        scores[rows] .= Flux.sigmoid.(vec(trained.model(@view arrays.x_test[:, rows])))
    end
    return (; scores)
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

const OPS = Dict{String, Function}("training.mlp" => mlp, "training.predict" => predict)
