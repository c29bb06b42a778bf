const Folds = TwinBench.FRAMEWORKS["MLUtils.jl"]

@testset "MLUtils.jl" begin
    @testset "examples are divided by rows counted from 0, flat or in their shape" begin
        examples = (x = reshape(collect(1:12), 2, 2, 3), y = [0, 1, 2])
        given = (train = [0, 2], test = [1])
        flat = Folds.split((; flatten = true), examples, given)
        @test flat.x_train::Matrix{Float32} == [1 9; 2 10; 3 11; 4 12]
        @test flat.y_test::Vector{Float32} == [1]
        @test size(Folds.split((; flatten = false), examples, given).x_train::Array{Float32, 3}) == (2, 2, 2)
    end

    @testset "a fold has its share of every class, in the given order" begin
        fold = Folds.kfold((; folds = 2), (; y = [0, 0, 0, 0, 1, 1, 1, 1]), (; order = [7, 6, 5, 4, 3, 2, 1, 0])).fold
        @test fold::Vector{Int} == [1, 1, 0, 0, 1, 1, 0, 0]
    end

    @testset "what is over goes to the first folds, class by class" begin
        fold = Folds.kfold((; folds = 2), (; y = [0, 0, 0, 1, 1, 1]), (; order = 0:5)).fold
        @test fold == [0, 0, 1, 0, 0, 1]
    end

    @testset "batches come in the given order, the last one smaller" begin
        examples = (x = reshape(collect(1.0:10), 2, 5), y = 0:4)
        found = Folds.batches((; batch_size = 2), examples, (; order = [4, 0, 1, 3, 2]))
        @test found.mean::Vector{Float64} == [5.5, 5.5, 5.5]
        @test found.label_sum::Vector{Int} == [4, 4, 2]
    end
end
