const Nets = TwinBench.FRAMEWORKS["Flux"]

"""Weights of one hidden layer, the given order, and rows that are easy to tell apart."""
function mlp_case(; epochs = 2, rows = 10, hidden = 3, classes = 2)
    optimizer = (name = "adam", lr = 0.01, beta1 = 0.9, beta2 = 0.999, eps = 1.0e-8)
    p = (; hidden = [hidden], classes, epochs, batch_size = 4, optimizer, seed = 0)
    wave(n...) = [Float32(sin(sum(index.I .* (1, 7)[1:length(index)]))) for index in CartesianIndices(n)]
    x = wave(2, rows)
    y = classes == 2 ? Float32.(x[1, :] .> 0) : Float32.((x[1, :] .> 0) .+ (x[2, :] .> 0))
    arrays = (x_train = x, y_train = y, x_test = x, y_test = y)
    outputs = classes == 2 ? 1 : classes
    order = hcat((circshift(0:(rows - 1), epoch) for epoch in 1:epochs)...)
    given = (
        input = [2],
        w1 = wave(hidden, 2),
        b1 = zeros(Float32, hidden),
        w2 = wave(outputs, hidden),
        b2 = zeros(Float32, outputs),
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
        trained = Nets.train(p, arrays, given)
        @test trained.losses isa Vector{Float32}
        @test length(trained.losses) == 6
    end

    @testset "the first loss is the contract's, on the first batch of the order" begin
        p, arrays, given = mlp_case()
        rows = given.order[1:4, 1] .+ 1
        expected = loss_by_hand(given, arrays.x_train[:, rows], arrays.y_train[rows])
        @test Nets.train(p, arrays, given).losses[1] ≈ expected rtol = 1.0e-6
    end

    @testset "the first update is Adam's: the sign of the gradient times the rate" begin
        p, arrays, given = mlp_case(; epochs = 1, rows = 4)
        trained = Nets.train(p, arrays, given)
        moved = trained.model.layers[2].bias .- given.b2
        @test only(abs.(moved)) ≈ 0.01 rtol = 1.0e-3
    end

    @testset "training learns" begin
        p, arrays, given = mlp_case(; epochs = 200)
        losses = Nets.train(p, arrays, given).losses
        @test losses[end] < losses[1] / 2
    end

    @testset "every call trains from the givens and leaves them as they were" begin
        p, arrays, given = mlp_case()
        before = deepcopy(given)
        @test Nets.train(p, arrays, given).losses == Nets.train(p, arrays, given).losses
        @test given == before
    end

    @testset "scores are probabilities, whatever the batch size" begin
        p, arrays, given = mlp_case()
        trained = Nets.train(p, arrays, given)
        scores = Nets.predict((; batch_size = 3, rows = 0), trained, arrays).scores
        @test scores::Vector{Float32} ≈ Nets.predict((; batch_size = 100, rows = 0), trained, arrays).scores
        @test all(0 .< scores .< 1)
        @test isempty(Nets.predict((; batch_size = 3, rows = 0), trained, (; x_test = zeros(Float32, 2, 0))).scores)
    end

    @testset "several classes have a logit each, and their scores sum to 1" begin
        p, arrays, given = mlp_case(; epochs = 200, rows = 12, classes = 3)
        trained = Nets.train(p, arrays, given)
        rows = given.order[1:4, 1] .+ 1
        z = given.w2 * max.(given.w1 * arrays.x_train[:, rows] .+ given.b1, 0) .+ given.b2
        wanted = 1 .+ Int.(arrays.y_train[rows])
        first_loss = sum(log(sum(exp, z[:, i])) - z[wanted[i], i] for i in 1:4) / 4
        @test trained.losses[1] ≈ first_loss rtol = 1.0e-6
        @test trained.losses[end] < trained.losses[1]
        scores = Nets.predict((; batch_size = 5, rows = 0), trained, arrays).scores
        @test size(scores::Matrix{Float32}) == (3, 12)
        @test sum(scores; dims = 1) ≈ ones(1, 12)
    end

    @testset "features are scaled over the examples, and constant ones become 0" begin
        x = [1.0 2.0 3.0; 5.0 5.0 5.0]
        scaled = Nets.standardise((;), (; x, y = [0, 1, 1])).x
        @test scaled[1, :] ≈ [-1, 0, 1] .* sqrt(3 / 2)
        @test all(iszero, scaled[2, :])
    end

    @testset "examples are divided by rows counted from 0, flat or in their shape" begin
        examples = (x = reshape(collect(1:12), 2, 2, 3), y = [0, 1, 2])
        given = (train = [0, 2], test = [1])
        flat = Nets.split((; flatten = true), examples, given)
        @test flat.x_train::Matrix{Float32} == [1 9; 2 10; 3 11; 4 12]
        @test flat.y_test::Vector{Float32} == [1]
        shaped = Nets.split((; flatten = false), examples, given)
        @test size(shaped.x_train::Array{Float32, 3}) == (2, 2, 2)
    end

    @testset "a trained model shows its weights and losses" begin
        p, arrays, given = mlp_case()
        values = TwinBench.neutral(Nets.train(p, arrays, given))
        @test first.(values) == ["input", "w1", "b1", "w2", "b2", "losses"]
        @test size(values[2].second) == size(given.w1)
    end

    @testset "convolutions don't turn the kernel, and keep the size" begin
        w, x = zeros(Float32, 3, 3, 1, 1), zeros(Float32, 4, 5, 1, 1)
        w[3, 2, 1, 1], x[3, 2, 1, 1] = 1, 7
        layer = Nets.network((; conv1_w = w, conv1_b = Float32[0])).layers[1]
        seen = layer(x)
        @test size(seen) == size(x)
        @test seen[2, 2, 1, 1] == 7
    end

    @testset "pooling drops what fills no window, and its gradient goes to the largest alone" begin
        x = reshape(Float32.(1:15), 5, 3, 1, 1)
        @test vec(Nets.pool(x)) == [7, 9]
        close = reshape(Float32[1, 1.0001, 0.5, 0.25], 2, 2, 1, 1)
        gradient = only(Flux.gradient(x -> sum(Nets.pool(x)), close))
        @test vec(gradient) == [0, 1, 0, 0]
        series = reshape(Float32[1, 1.0001, 3], 3, 1, 1)
        @test vec(only(Flux.gradient(x -> sum(Nets.pool(x)), series))) == [0, 1, 0]
    end

    @testset "the gradient of pooling is the same without looking at single elements" begin
        x = Float32.(rand(1:3, 5, 4, 2, 3)) # with many that are equal
        largest = Nets.pool(x)
        change = rand(Float32, size(largest))
        @test Nets.unpool(change, largest, @view x[:, :, :, :]) == Nets.unpool(change, largest, x)
        series = x[:, :, 1, :]
        largest = Nets.pool(series)
        change = rand(Float32, size(largest))
        @test Nets.unpool(change, largest, @view series[:, :, :]) == Nets.unpool(change, largest, series)
    end

    @testset "an LSTM gives its last hidden state, from zeros" begin
        wave(n...) = reshape(Float32.(sin.(1:prod(n))), n...)
        cell = Flux.LSTMCell(wave(8, 3), wave(8, 2), wave(8))
        x = wave(3, 5, 4)
        state = (zeros(Float32, 2, 4), zeros(Float32, 2, 4))
        for t in 1:5
            _, state = cell(x[:, t, :], state)
        end
        @test Nets.LastHidden(cell)(x) ≈ first(state)
        last_of_all(layer) = layer(x)[:, end, :]
        ours = only(Flux.gradient(layer -> sum(abs2, layer(x)), Nets.LastHidden(cell)))
        theirs = only(Flux.gradient(layer -> sum(abs2, last_of_all(layer)), Flux.LSTM(cell)))
        for name in (:Wi, :Wh, :bias)
            @test getproperty(ours.cell, name) ≈ getproperty(theirs.cell, name)
        end
    end

    @testset "a saved model is the same when it is loaded" begin
        p, arrays, given = mlp_case()
        trained = Nets.train(p, arrays, given)
        saved = Nets.save((;), trained)
        loaded = Nets.load((;), saved)
        @test Nets.weights(loaded.model) == Nets.weights(trained.model)
        @test loaded.input == [2]
        JLD2.jldsave(saved.path; w1 = [sin])
        @test_throws "more than arrays" Nets.load((;), saved)
        rm(saved.path)
    end

    @testset "a fold has its share of every class" begin
        y = [0, 0, 0, 0, 1, 1, 1, 1]
        fold = Nets.kfold((; folds = 2), (; y), (; order = [7, 6, 5, 4, 3, 2, 1, 0])).fold
        @test fold::Vector{Int} == [1, 1, 0, 0, 1, 1, 0, 0]
    end

    @testset "layers are inferred; an LSTM is not, because Flux's cell isn't" begin
        p, arrays, given = mlp_case()
        @inferred Nets.network(given)(arrays.x_train)
        x = ones(Float32, 6, 5, 2, 3)
        convolution = Nets.network((; conv1_w = ones(Float32, 3, 3, 2, 4), conv1_b = ones(Float32, 4)))
        @inferred convolution(x)
        @inferred Matrix{Float32} Nets.probabilities(Nets.network(given), arrays.x_train, 10, 4)
    end

    @testset "an epoch allocates no more than by hand, within 1 %" begin
        # Both compiled here and now: what a package image holds dispatches twice more, 144 bytes, once DataFrames is loaded.
        ours = Module(:FluxCompiledHere)
        Base.include(ours, joinpath(pkgdir(TwinBench), "src", "frameworks", "flux.jl"))
        function by_hand(p, arrays, given)
            model = Flux.Chain(
                Flux.Dense(copy(given.w1), copy(given.b1), Flux.relu),
                Flux.Dense(copy(given.w2), copy(given.b2)),
            )
            state = Flux.setup(Nets.rule(p.optimizer), model)
            x, y = arrays.x_train, reshape(arrays.y_train, 1, :)
            losses = Float32[]
            for epoch in eachcol(given.order .+ 1), rows in Iterators.partition(epoch, p.batch_size)
                xs, ys = x[:, rows], y[:, rows]
                loss, gradients = Flux.withgradient(m -> Flux.logitbinarycrossentropy(m(xs), ys), model)
                Flux.update!(state, model, gradients[1])
                push!(losses, loss)
            end
            return losses
        end
        function bytes(train, epochs)
            case = mlp_case(; epochs)
            train(case...)
            return @allocated train(case...)
        end
        allocated, allocated_by_hand = map((ours.train, by_hand)) do train
            return Base.invokelatest(bytes, train, 12) - Base.invokelatest(bytes, train, 2)
        end
        @show allocated allocated_by_hand
        @test allocated <= 1.01 * allocated_by_hand
    end
end
