"""The Flux framework, with the gradient of a perceptron of two hidden layers compiled ahead."""
module TwinBenchFluxExt

import TwinBench
using PrecompileTools: @compile_workload, @setup_workload

include("../src/frameworks/flux.jl")

__init__() = TwinBench.register!(@__MODULE__)

@setup_workload begin
    optimizer = (name = "adam", lr = 1.0e-3, beta1 = 0.9, beta2 = 0.999, eps = 1.0e-8)
    p = (; hidden = [2, 2], classes = 2, epochs = 1, batch_size = 2, optimizer, seed = 0)
    examples = (x = rand(3, 4), y = [0, 1, 2, 0], test = UInt8[0, 0, 1, 0])
    rows = (train = [0, 1, 3], test = [2])
    arrays = (
        x_train = ones(Float32, 3, 3),
        y_train = ones(Float32, 3),
        x_test = ones(Float32, 3, 3),
        y_test = ones(Float32, 3),
    )
    weights = (w1 = ones(Float32, 2, 3), b1 = zeros(Float32, 2), w2 = ones(Float32, 2, 2), b2 = zeros(Float32, 2))
    given = (; weights..., w3 = ones(Float32, 1, 2), b3 = zeros(Float32, 1), order = [0; 1; 2;;])
    three = (; weights..., w3 = ones(Float32, 3, 2), b3 = zeros(Float32, 3), order = [0; 1; 2;;])
    @compile_workload begin
        split((; flatten = true), standardise((;), examples), rows)
        for (classes, start) in ((2, given), (3, three))
            trained = mlp((; p..., classes), arrays, start)
            TwinBench.neutral(predict((; batch_size = 2), trained, arrays))
            TwinBench.neutral(trained)
            TwinBench.facts(trained)
        end
    end
end

end
