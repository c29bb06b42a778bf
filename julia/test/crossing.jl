@testset "crossing" begin
    @testset "borrowed memory is shared" begin
        numbers = [1.0 2.0; 3.0 4.0]
        borrowed = TwinBench.borrow(Float64, UInt(pointer(numbers)), size(numbers), numbers)
        @test borrowed == numbers
        @test pointer(borrowed) == pointer(numbers)
    end

    @testset "borrowed memory keeps its owner alive, and not for longer" begin
        released = Ref(false)
        @noinline function borrow_from_an_owner_that_goes_out_of_scope()
            numbers = finalizer(_ -> (released[] = true), collect(1.0:1000.0))
            return TwinBench.borrow(Float64, UInt(pointer(numbers)), size(numbers), numbers)
        end
        @noinline function use()
            borrowed = borrow_from_an_owner_that_goes_out_of_scope()
            GC.gc()
            @test !released[]
            @test sum(borrowed) == 500500
        end
        use()
        GC.gc()
        GC.gc()
        @test released[]
    end

    @testset "nothing is read from the address of an empty array" begin
        @test TwinBench.borrow(Float64, 0, (0,), nothing) == Float64[]
        @test size(TwinBench.borrow(Float32, 0, (3, 0), nothing)) == (3, 0)
    end

    @testset "strings survive both ways" for strings in (
            ["a", "", "bcd"],
            ["Zürich", "東京", "🙂"],
            String[],
            ["", ""],
            ["inner\0zero"],
        )
        held = TwinBench.CodePoints(TwinBench.code_points(strings))
        @test isequal(collect(held), [isempty(string) ? missing : string for string in strings])
    end

    @testset "a string out of bounds is an error" begin
        @test_throws BoundsError TwinBench.CodePoints(UInt32['a' 'b'])[3]
    end

    @testset "missing values become NaN or empty, and types stay" begin
        @test isequal(TwinBench.plain([1.0, missing]), [1.0, NaN])
        @test isequal(TwinBench.plain([missing, missing]), [NaN, NaN])
        @test TwinBench.plain(Union{Missing, Int}[1, 2])::Vector{Int} == [1, 2]
        @test isequal(TwinBench.plain([1, missing]), [1.0, NaN])
        @test TwinBench.plain(["a", missing]) == UInt32['a' 0]
        @test TwinBench.plain(Float32[1 2])::Matrix{Float32} == [1 2]
        @test TwinBench.plain(view([1, 2, 3], 2:3))::Vector{Int} == [2, 3]
    end

    @testset "parameters keep their order and get types of their own" begin
        values = TwinBench.Values()
        TwinBench.add!(values, "b", 1)
        TwinBench.add!(values, "a", "x")
        @test TwinBench.named(values) === (b = 1, a = "x")
        @test TwinBench.mapping(TwinBench.Values(["k" => "v"]))::Vector{Pair{String, String}} == ["k" => "v"]
        @test TwinBench.vector(TwinBench.Values(["" => 1, "" => 2]))::Vector{Int} == [1, 2]
        @test isempty(TwinBench.vector(TwinBench.Values()))
        @test isempty(TwinBench.mapping(TwinBench.Values()))
    end

    @testset "a framework outside the package is read from its file" begin
        file = joinpath(mktempdir(), "mine.jl")
        write(file, "const OPS = Dict{String, Function}(\"probe.noop\" => _ -> 42)")
        mine = TwinBench.framework("mine", file)
        @test TwinBench.op(mine, "probe.noop")(nothing) == 42
        @test TwinBench.framework("mine", "elsewhere") === mine
        @test_throws KeyError TwinBench.op(mine, "probe.spin")
    end
end
