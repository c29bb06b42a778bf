using DataFrames
using CSV.PooledArrays: PooledArray

const Tables = TwinBench.FRAMEWORKS["DataFrames.jl"]

"""A table of each hard kind: missing values, ties, repeated and unicode strings."""
cases() = (
    "common" => DataFrame(
        key = ["b", "a", "b", "a", missing],
        n = [3, 1, 3, 2, 5],
        x = [1.5, missing, 0.5, 2.5, 4.0],
        y = [1.0, 2.0, 4.0, 8.0, 16.0],
    ),
    "one row" => DataFrame(key = ["é"], n = [1], x = Union{Missing, Float64}[1.0], y = [2.0]),
    "empty pooled" => DataFrame(key = PooledArray(String[]), n = Int[], x = Union{Missing, Float64}[], y = Float64[]),
    "empty" => DataFrame(key = String[], n = Int[], x = Union{Missing, Float64}[], y = Float64[]),
)
const TABLES = Dict(cases())
const COMMON, ONE, EMPTY = TABLES["common"], TABLES["one row"], TABLES["empty"]

function read_text(columns, text)
    file = joinpath(mktempdir(), "table.csv")
    write(file, text)
    return Tables.read_csv((; columns), file)
end

same(table, columns...) = isequal(table, DataFrame([name => values for (name, values) in columns]))

group_params(what, of) = (ordered = true, keys = ["key"], aggregates = ["out" => [what, of]])

@testset "DataFrames.jl" begin
    @testset "read_csv keeps the columns asked for, in order, with their types" begin
        columns = ["s" => "string", "f" => "float64", "n" => "int64"]
        table = read_text(columns, "n,unused,f,s\n1,2,NA,007\n2,3,0.1,\"a,\"\"b\"\"\"\n3,4,,\n")
        @test names(table) == ["s", "f", "n"]
        @test isequal(table.s, ["007", "a,\"b\"", missing])
        @test isequal(table.f, [missing, 0.1, missing])
        @test table.n::Vector{Int} == [1, 2, 3]
    end

    @testset "read_csv of a file with only a header" begin
        table = read_text(["n" => "int64", "s" => "string"], "n,s\n")
        @test size(table) == (0, 2)
        @test eltype(table.n) == Int
    end

    @testset "read_csv takes any name of a column" begin
        table = read_text(["NA" => "string", "" => "int64", "c1" => "string"], "\"a\"\"b\",,NA,c1\n1,2,3,4\n")
        @test names(table) == ["NA", "", "c1"]
        @test collect(table[1, :]) == ["3", 2, "4"]
    end

    @testset "read_csv keeps fields of spaces and of quotes" begin
        text = "s,t\n  ,\"\"\"\"\"\"\n\t,a\n\" \",\n,NA\n \t,\"\"\"\"\n"
        table = read_text(["s" => "string", "t" => "string"], text)
        @test isequal(table.s, ["  ", "\t", " ", missing, " \t"])
        @test isequal(table.t, ["\"\"", "a", missing, missing, "\""])
    end

    @testset "read_csv refuses a field of another type" begin
        @test_throws Exception read_text(["n" => "int64"], "n\n1\nx\n")
    end

    @testset "clean drops rows with a missing value and casts toward zero" begin
        table = Tables.clean((drop_missing = ["x"], cast = ["x" => "int64", "n" => "float64"]), COMMON)
        @test same(
            table,
            "key" => ["b", "b", "a", missing],
            "n" => [3.0, 3, 2, 5],
            "x" => [1, 0, 2, 4],
            "y" => [1.0, 4, 8, 16],
        )
        @test table.x isa Vector{Int}
        @test Tables.clean((drop_missing = String[], cast = ["y" => "int64"]), COMMON).y == [1, 2, 4, 8, 16]
        @test Tables.clean((drop_missing = String[], cast = ["y" => "int64"]), DataFrame(y = [-1.5, 1.5])).y == [-1, 1]
    end

    @testset "impute fills with $strategy" for (strategy, fill) in ("median" => 2.0, "mean" => 2.125)
        table = Tables.impute((columns = ["x"], strategy), COMMON)
        @test table.x == [1.5, fill, 0.5, 2.5, 4.0]
        @test table.x isa Vector{Float64}
    end

    @testset "impute leaves a column without any value missing" begin
        table = DataFrame(x = Union{Missing, Float64}[missing, missing])
        @test isequal(Tables.impute((columns = ["x"], strategy = "mean"), table), table)
    end

    @testset "derive computes each kind of column" begin
        table = DataFrame(n = [7, -7], x = [2.0, missing], t = ["2013-12-29T23:59:59Z", "2024-02-29T00:00:00Z"])
        columns = Pair{
            String,
            Vector{Any},
        }[
            "q" => ["floor_divide", "n", 2],
            "r" => ["ratio", "n", "x", 60.0],
            "g" => ["greater", "x", 1.0],
            "m" => ["month", "t"],
            "d" => ["weekday", "t"],
        ]
        derived = Tables.derive((; columns), table)
        @test isequal(
            derived[:, Not(names(table))],
            DataFrame(q = [3, -4], r = [210.0, missing], g = [1, 0], m = [12, 2], d = [7, 4]),
        )
        @test all(derived[!, name] isa Vector{Int} for name in ("q", "g", "m", "d"))
    end

    @testset "groupby: $what skips missing values" for (what, expected) in (
            "count" => [1, 2],
            "sum" => [2.5, 2.0],
            "mean" => [2.5, 1.0],
            "min" => [2.5, 0.5],
            "max" => [2.5, 1.5],
            "median" => [2.5, 1.0],
            "std" => [missing, sqrt(0.5)],
        )
        @test same(Tables.groupby(group_params(what, "x"), COMMON), "key" => ["a", "b"], "out" => expected)
    end

    @testset "groupby: $what of no value" for (what, expected) in (
            "count" => 0,
            "sum" => 0.0,
            "mean" => missing,
            "min" => missing,
            "max" => missing,
            "median" => missing,
            "std" => missing,
        )
        table = DataFrame(key = ["a"], x = Union{Missing, Float64}[missing])
        @test isequal(Tables.groupby(group_params(what, "x"), table).out, [expected])
    end

    @testset "groupby: $what of two columns" for (what, a, b, expected) in (
            ("max_minus_min", "x", "n", [1.5, -1.5]),
            ("max_minus_min", "n", "n", [1, 0]),
            ("r2", "n", "y", [1.0, missing]),
            ("r2", "x", "y", [missing, 1.0]),
            ("r2", "x", "n", [missing, missing]),
        )
        params = (ordered = true, keys = ["key"], aggregates = ["out" => [what, a, b]])
        @test isequal(round.(Tables.groupby(params, COMMON).out; digits = 12), expected)
    end

    @testset "groupby: two columns of one type keep it" begin
        params = (ordered = true, keys = ["key"], aggregates = ["out" => ["max_minus_min", "n", "n"]])
        @test eltype(Tables.groupby(params, COMMON).out) == Int
        @test eltype(Tables.groupby(params, EMPTY).out) == Int
        @test eltype(
            Tables.groupby(
                (ordered = true, keys = ["key"], aggregates = ["out" => ["max_minus_min", "n", "y"]]),
                EMPTY,
            ).out,
        ) ==
            Float64
    end

    @testset "top takes the largest values of each group, the missing ones dropped first" begin
        table = DataFrame(key = ["b", "a", "b", missing, "b", "a"], x = [1.0, missing, 3.0, 9.0, 2.0, missing])
        @test same(
            Tables.top((ordered = true, keys = ["key"], column = "x", n = 2), table),
            "key" => ["b", "b"],
            "x" => [3.0, 2.0],
        )
        ties = DataFrame(key = [2, 1, 2, 2, 1], x = [5, 7, 5, 4, 8])
        top = Tables.top((ordered = true, keys = ["key"], column = "x", n = 2), ties)
        @test same(top, "key" => [1, 1, 2, 2], "x" => [8, 7, 5, 5])
        @test top.x isa Vector{Int}
        @test size(Tables.top((ordered = true, keys = ["key"], column = "x", n = 2), EMPTY)) == (0, 2)
    end

    @testset "groupby keeps int64 where the contract says so: $what" for what in ("count", "sum", "min", "max")
        @test eltype(Tables.groupby(group_params(what, "n"), COMMON).out) == Int
    end

    @testset "groupby without groups has columns of the right types" begin
        aggregates = ["count" => ["count", "n"], "max" => ["max", "n"], "mean" => ["mean", "n"], "sum" => ["sum", "x"]]
        for table in (EMPTY, DataFrame(key = [missing], n = [1], x = [1.0]))
            result = Tables.groupby((; ordered = true, keys = ["key"], aggregates), table)
            @test size(result) == (0, 5)
            @test nonmissingtype.(eltype.(eachcol(result)))[2:end] == [Int, Int, Float64, Float64]
        end
    end

    @testset "groupby sorts strings by code point" begin
        table = DataFrame(key = ["é", "z", "Z", "aa", "a"], x = 1:5)
        @test Tables.groupby(group_params("sum", "x"), table).key == ["Z", "a", "aa", "z", "é"]
    end

    @testset "join keeps the left order, and the right order within" begin
        left = DataFrame(key = ["b", missing, "a", "c", "b"], n = 1:5)
        right = DataFrame(key = ["a", "b", missing, "b"], v = [10, 20, 30, 40], w = ["x", "y", "z", "w"])
        p = (ordered = true, on = ["key"], columns = ["w", "v"])
        inner = Tables.join((; p..., how = "inner"), left, right)
        @test same(
            inner,
            "key" => ["b", "b", "a", "b", "b"],
            "n" => [1, 1, 3, 5, 5],
            "w" => ["y", "w", "x", "y", "w"],
            "v" => [20, 40, 10, 20, 40],
        )
        @test nonmissingtype(eltype(inner.v)) == Int
        outer = Tables.join((; p..., how = "left"), left, right)
        @test isequal(outer.n, [1, 1, 2, 3, 4, 5, 5])
        @test isequal(outer.w, ["y", "w", missing, "x", missing, "y", "w"])
        @test isequal(outer.v, [20.0, 40, missing, 10, missing, 20, 40])
        @test nonmissingtype(eltype(outer.v)) == Float64
    end

    @testset "a left join with unique keys adds columns and shares the others" begin
        left = DataFrame(key = ["b", missing, "a"], n = 1:3)
        joined = Tables.join(
            (ordered = true, on = ["key"], how = "left", columns = ["v"]),
            left,
            DataFrame(key = ["a", "c"], v = [1, 2]),
        )
        @test isequal(joined, DataFrame(key = left.key, n = left.n, v = [missing, missing, 1.0]))
        @test joined.n === left.n
        @test names(left) == ["key", "n"]
    end

    @testset "a left join makes int64 float64 even if every row matched" begin
        table = DataFrame(key = ["a"], v = [1])
        @test nonmissingtype(eltype(
            Tables.join((ordered = true, on = ["key"], how = "left", columns = ["v"]), table[:, ["key"]], table).v,
        )) ==
            Float64
    end

    @testset "sort is stable, with missing values last in both directions" begin
        table = DataFrame(x = [2.0, missing, 1.0, 2.0, missing], i = 1:5)
        @test Tables.sort((by = ["x"], descending = false), table).i == [3, 1, 4, 2, 5]
        @test Tables.sort((by = ["x"], descending = true), table).i == [1, 4, 3, 2, 5]
        whole = DataFrame(a = [1, 2, 1, 2], b = ["x", "x", "y", "x"], i = 1:4)
        @test Tables.sort((by = ["a", "b"], descending = true), whole).i == [2, 4, 3, 1]
    end

    @testset "rolling restarts in each group and keeps the rows' places" begin
        table = DataFrame(g = ["a", "b", "a", "a", "b"], v = [1, 10, 2, 3, 30])
        p = (name = "r", by = ["g"], column = "v", window = 2)
        @test Tables.rolling((; p..., var"function" = "sum"), table).r == [1.0, 10, 3, 5, 40]
        @test Tables.rolling((; p..., var"function" = "mean"), table).r == [1.0, 10, 1.5, 2.5, 20]
    end

    @testset "one_hot orders the indicators, and a missing value has none" begin
        table = Tables.one_hot(
            (; columns = ["key", "n"]),
            DataFrame(key = ["b", missing, "a"], n = [10, 9, 10], x = 1:3),
        )
        @test names(table) == ["x", "key=a", "key=b", "n=9", "n=10"]
        @test Matrix(table[:, Not("x")]) == [0 1 0 1; 0 0 1 0; 1 0 0 1]
        @test all(column isa Vector{UInt8} for column in eachcol(table[:, Not("x")]))
    end

    @testset "standardise divides by n, and a constant column becomes 0" begin
        table = Tables.standardise((; columns = ["n", "c"]), DataFrame(n = [1, 3], c = [2.0, 2.0]))
        @test same(table, "n" => [-1.0, 1.0], "c" => [0.0, 0.0])
    end

    @testset "split makes float32 matrices of (features, rows)" begin
        table = DataFrame(a = 1:4, label = [0, 1, 0, 1], s = ["x", "x", "x", "x"], b = 0.5:1:3.5)
        given = (train = [3, 0], test = [1])
        parts = Tables.split((label = "label", drop = ["s"]), table, given)
        @test parts.x_train::Matrix{Float32} == [4 1; 3.5 0.5]
        @test parts.y_train::Vector{Float32} == [1, 0]
        @test parts.x_test == [2; 1.5;;]
        @test parts.y_test == [1]
    end

    @testset "a matrix of more than one block is whole" begin
        rows = reverse(collect(1:(2 * Tables.BLOCK + 5)))
        @test Tables.matrix(DataFrame(a = eachindex(rows), b = -1.0 .* eachindex(rows)), rows) == [rows'; -rows']
    end

    @testset "every op takes a table of $name and leaves it as it was" for (name, table) in cases()
        groups = DataFrame(key = ["a", "b"], v = [1, 2])
        aggregates = [
            "$what-$of" => [what, of]
            for what in ("count", "sum", "mean", "min", "max", "median", "std")
            for of in ("n", "x")
        ]
        calls = (
            Tables.clean => ((drop_missing = ["x"], cast = ["y" => "int64"]), table),
            Tables.impute => ((columns = ["x"], strategy = "median"), table),
            Tables.derive => ((; columns = ["q" => ["floor_divide", "n", 2]]), table),
            Tables.groupby => ((; ordered = true, keys = ["key", "n"], aggregates), table),
            Tables.groupby => ((; ordered = true, keys = ["key"], aggregates = ["r" => ["r2", "n", "x"]]), table),
            Tables.top => ((ordered = true, keys = ["key"], column = "x", n = 2), table),
            Tables.join => ((ordered = true, on = ["key"], how = "inner", columns = ["v"]), table, groups),
            Tables.join => ((ordered = true, on = ["key"], how = "left", columns = ["v"]), table, groups),
            Tables.groupby => ((; ordered = false, keys = ["key", "n"], aggregates), table),
            Tables.top => ((ordered = false, keys = ["key"], column = "x", n = 2), table),
            Tables.join => ((ordered = false, on = ["key"], how = "inner", columns = ["v"]), table, groups),
            Tables.join => ((ordered = false, on = ["key"], how = "left", columns = ["v"]), table, groups),
            Tables.sort => ((by = ["x", "n"], descending = true), table),
            Tables.rolling => ((name = "r", by = ["n"], column = "y", window = 2, var"function" = "mean"), table),
            Tables.one_hot => ((; columns = ["key"]), table),
            Tables.standardise => ((; columns = ["y", "n"]), table),
            Tables.split => (
                (label = "n", drop = ["key", "x"]),
                table,
                (train = Int[], test = collect(0:(nrow(table) - 1))),
            ),
        )
        for (op, (p, inputs...)) in calls
            before = deepcopy(inputs)
            @test op(p, inputs...) isa Union{DataFrame, NamedTuple}
            @test isequal(inputs, before)
        end
    end

    @testset "neutral columns come back as they went" begin
        values = TwinBench.Values([
            "i" => [1, 2, 3],
            "f" => [1.0, NaN, 3.0],
            "s" => TwinBench.CodePoints(UInt32['a' 0 'b']),
            "u" => UInt8[0, 1, 0],
        ])
        table = Tables.table(values)
        @test isequal(
            table,
            DataFrame(i = [1, 2, 3], f = [1.0, missing, 3.0], s = ["a", missing, "b"], u = UInt8[0, 1, 0]),
        )
        back = Dict(TwinBench.neutral(table))
        @test back["i"] == [1, 2, 3]
        @test isequal(back["f"], [1.0, NaN, 3.0])
        @test back["s"] == UInt32['a' 0 'b']
        @test back["u"] isa Vector{UInt8}
    end

    @testset "repeating strings are pooled by categorise alone" begin
        table = Tables.table(TwinBench.Values(["r" => TwinBench.CodePoints(repeat(UInt32['a' 'b'], 1, 50))]))
        read = read_text(["r" => "string"], "r\n" * "a\nb\n"^1000)
        for strings in (table, read)
            @test !(strings.r isa PooledArray)
            held = Tables.categorise((; columns = ["r"]), strings)
            @test held.r isa PooledArray && held.r == strings.r
            @test occursin("Pooled", Dict(TwinBench.facts(held))["r"])
        end
    end

    @testset "the kernels are inferred" begin
        @inferred Tables.rolling_mean([1, 2, 3], 2)
        @inferred Tables.rolling_sum(view([1.0, 2.0], 1:2), 2)
        @inferred Tables.z_scores([1.0, 2.0])
        @inferred Tables.parse_time("2013-01-01T05:00:00Z")
        @inferred Tables.fill_row!(zeros(Float32, 1, 2), 1, 1:2, [1, 2], [2, 1])
        @inferred Tables.mark!([zeros(UInt8, 2)], [1, missing])
    end
end
