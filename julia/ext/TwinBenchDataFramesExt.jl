"""The DataFrames.jl framework, compiled ahead for the column types that CSV.jl makes."""
module TwinBenchDataFramesExt

import TwinBench
using PrecompileTools: @compile_workload, @setup_workload

include("../src/frameworks/dataframes.jl")

__init__() = TwinBench.register!(@__MODULE__)

@setup_workload begin
    text = """
    key,name,when,n,x,y,label
    1,a,2013-01-01T05:00:00Z,1,1.5,2.5,0
    2,b,2013-01-02T05:00:00Z,2,NA,1.5,1
    1,a,2013-01-03T05:00:00Z,3,0.5,0.5,0
    """
    kinds = ["int64", "string", "string", "int64", "float64", "float64", "int64"]
    columns = ["key", "name", "when", "n", "x", "y", "label"] .=> kinds
    definitions = Pair{
        String,
        Vector{Any},
    }[
        "f" => ["floor_divide", "n", 2],
        "r" => ["ratio", "n", "y", 2.0],
        "g" => ["greater", "x", 1.0],
        "m" => ["month", "when"],
        "d" => ["weekday", "when"],
    ]
    aggregates = [
        "$what-$of" => [what, of]
        for of in ("n", "x")
        for what in ("count", "sum", "mean", "min", "max", "median", "std")
    ]
    given = (train = [0, 2], test = [1])
    @compile_workload begin
        file, io = mktemp()
        write(io, text)
        close(io)
        read = read_csv((; columns), file)
        rm(file)
        clean((drop_missing = ["y"], cast = ["y" => "int64"]), read)
        clean((drop_missing = ["x"], cast = ["n" => "float64"]), read)
        whole = impute((columns = ["x"], strategy = "mean"), read)
        impute((columns = ["x"], strategy = "median"), read)
        derive((; columns = definitions), read)
        groups = groupby((; keys = ["key", "name"], aggregates), read)
        groupby((; keys = ["key"], aggregates), read)
        for on in (["key"], ["name"], ["key", "name"]), how in ("inner", "left")
            joined = join((; on, how, columns = ["count-n", "mean-x"]), read, groups)
            impute((columns = ["count-n", "mean-x"], strategy = "median"), joined)
        end
        sort((by = ["when", "n"], descending = false), read)
        sort((by = ["x"], descending = true), read)
        for kernel in ("mean", "sum"), column in ("n", "y")
            rolling((; name = "w", by = ["name"], column, window = 2, var"function" = kernel), read)
        end
        encoded = one_hot((; columns = ["name", "key"]), whole)
        scaled = standardise((; columns = ["n", "x"]), encoded)
        TwinBench.neutral(split((label = "label", drop = ["when"]), scaled, given))
        TwinBench.neutral(read)
        TwinBench.facts(read)
        letters = TwinBench.CodePoints(UInt32['a' 'b' '\0'])
        table(TwinBench.Values(["i" => [1, 2, 3], "f" => [1.0, NaN, 2.0], "s" => letters]))
    end
end

end
