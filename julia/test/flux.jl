const Nets = TwinBench.FRAMEWORKS["Flux"]

"""Weights of one hidden layer, the given order, and rows that are easy to tell apart."""
function mlp_case(; epochs = 2, rows = 10, hidden = 3)
    optimizer = (name = "adam", lr = 0.01, beta1 = 0.9, beta2 = 0.999, eps = 1.0e-8)
    p = (; hidden = [hidden], epochs, batch_size = 4, optimizer, seed = 0)
    wave(n...) = [Float32(sin(sum(index.I .* (1, 7)[1:length(index)]))) for index in CartesianIndices(n)]
    x = wave(2, rows)
    arrays = (x_train = x, y_train = Float32.(x[1, :] .> 0), x_test = x, y_test = Float32.(x[1, :] .> 0))
    order = hcat((circshift(0:(rows - 1), epoch) for epoch in 1:epochs)...)
    given = (
        w1 = wave(hidden, 2),
        b1 = zeros(Float32, hidden),
        w2 = wave(1, hidden),
        b2 = zeros(Float32, 1),
        order = order,
    )
    return p, arrays, given
end

"""The contract's arithmetic by hand: logits, and the mean of max(z, 0) - z y + log(1 + exp(-|z|))."""
function loss_by_hand(given, x, y)
    h = max.(given.w1 * x .+ given.b1, 0)
    z = vec(given.w2 * h .+ given.b2)
    return sum(max.(z, 0) .- z .* y .+ log1p.(exp.(-abs.(z)))) / length(y)
end

@testset "Flux" begin
    @testset "one loss a step, in float32, with a smaller last batch" begin
        p, arrays, given = mlp_case()
        trained = Nets.mlp(p, arrays, given)
        @test trained.losses isa Vector{Float32}
        @test length(trained.losses) == 6
    end

    @testset "the first loss is the contract's, on the first batch of the order" begin
        p, arrays, given = mlp_case()
        rows = given.order[1:4, 1] .+ 1
        expected = loss_by_hand(given, arrays.x_train[:, rows], arrays.y_train[rows])
        @test Nets.mlp(p, arrays, given).losses[1] ≈ expected rtol = 1.0e-6
    end

    @testset "the first update is Adam's: the sign of the gradient times the rate" begin
        p, arrays, given = mlp_case(; epochs = 1, rows = 4)
        trained = Nets.mlp(p, arrays, given)
        moved = trained.model.layers[2].bias .- given.b2
        @test only(abs.(moved)) ≈ 0.01 rtol = 1.0e-3
    end

    @testset "training learns" begin
        p, arrays, given = mlp_case(; epochs = 200)
        losses = Nets.mlp(p, arrays, given).losses
        @test losses[end] < losses[1] / 2
    end

    @testset "every call trains from the givens and leaves them as they were" begin
        p, arrays, given = mlp_case()
        before = deepcopy(given)
        @test Nets.mlp(p, arrays, given).losses == Nets.mlp(p, arrays, given).losses
        @test given == before
    end

    @testset "scores are probabilities, whatever the batch size" begin
        p, arrays, given = mlp_case()
        trained = Nets.mlp(p, arrays, given)
        scores = Nets.predict((; batch_size = 3), trained, arrays).scores
        @test scores::Vector{Float32} ≈ Nets.predict((; batch_size = 100), trained, arrays).scores
        @test all(0 .< scores .< 1)
        @test isempty(Nets.predict((; batch_size = 3), trained, (; x_test = zeros(Float32, 2, 0))).scores)
    end

    @testset "a trained model shows its weights and losses" begin
        p, arrays, given = mlp_case()
        values = TwinBench.neutral(Nets.mlp(p, arrays, given))
        @test first.(values) == ["w1", "b1", "w2", "b2", "losses"]
        @test size(values[1].second) == size(given.w1)
    end

    @testset "a step is inferred" begin
        p, arrays, given = mlp_case()
        model = Nets.network(given)
        @inferred model(arrays.x_train)
    end
end
