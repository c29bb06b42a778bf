"""The DataFrames.jl framework, compiled ahead for the column types that CSV.jl makes and the ops then leave."""
module TwinBenchDataFramesExt

import TwinBench
using PrecompileTools: @compile_workload, @setup_workload

include("../src/frameworks/dataframes.jl")

__init__() = TwinBench.register!(@__MODULE__)

@setup_workload begin
    # Few names and places, held as strings and as categories; tags, codes and times; numbers with and without missing ones.
    # More than 8192 rows, because DataFrames.jl sorts shorter tables by another algorithm.
    row(
        i,
    ) = "$(i % 3),id00$(i % 3),$(isodd(i) ? "AA" : "B6"),$(i == 9 ? "" : "N$(10000 + i)"),2013-01-$(10 + i % 10)T05:00:00Z," *
        "id$(Base.lpad(i % 2000, 10, '0')),$i,$(i == 3 ? "NA" : i / 2),$(i / 4),$(i == 5 ? "NA" : i / 8),$(i % 2)"
    text = Base.join(["key,name,place,tag,time,code,n,x,y,z,label"; row.(1:10_000)], "\n")
    columns = [
        ["key", "n", "label"] .=> "int64"
        ["name", "place", "tag", "time", "code"] .=> "string"
        ["x", "y", "z"] .=> "float64"
    ]
    definitions = Pair{
        String,
        Vector{Any},
    }[
        "f" => ["floor_divide", "n", 2],
        "r" => ["ratio", "n", "x", 2.0],
        "s" => ["ratio", "n", "y", 2.0],
        "g" => ["greater", "x", 1.0],
        "h" => ["greater", "y", 1.0],
        "m" => ["month", "time"],
        "d" => ["weekday", "time"],
    ]
    functions = ("count", "sum", "mean", "min", "max", "median", "std")
    aggregates = [
        ["$what-$of" => [what, of] for of in ("n", "x", "y", "z") for what in functions]
        ["$what-$a-$b" => [what, a, b] for what in ("max_minus_min", "r2") for (a, b) in ("n" => "key", "x" => "z")]
    ]
    given = (train = collect(0:29), test = collect(30:38))
    @compile_workload begin
        file, io = mktemp()
        write(io, text)
        close(io)
        read = read_csv((; columns), file)
        rm(file)
        cleaned = clean((drop_missing = ["x"], cast = ["y" => "int64"]), read)
        clean((drop_missing = ["x", "y"], cast = ["n" => "float64"]), read)
        whole = impute((columns = ["x", "z"], strategy = "mean"), read)
        impute((columns = ["x", "z"], strategy = "median"), cleaned)
        derived = derive((; columns = definitions), cleaned)
        derive((; columns = definitions), read)
        for keys in (
                ["name"],
                ["key"],
                ["name", "place"],
                ["name", "place", "key"],
                ["place", "time"],
                ["tag"],
                ["code"],
            )
            groups = groupby((; keys, aggregates, ordered = true), derived)
            groupby((; keys, aggregates, ordered = false), derived)
            for how in ("inner", "left"), right in (groups, [groups; groups])
                joined = join(
                    (; on = keys, how, columns = ["count-n", "mean-x", "std-x"], ordered = true),
                    derived,
                    right,
                )
                impute((columns = ["count-n", "mean-x", "std-x"], strategy = "median"), joined)
            end
        end
        six = ["name", "place", "code", "key", "n", "label"]
        held = categorise((; columns = ["name", "place", "code"]), derived)
        for values in (derived, held)
            groupby((; keys = six, aggregates = ["s" => ["sum", "x"]], ordered = false), values)
        end
        for keys in (["name"], ["name", "place"], ["code"], ["place", "key"])
            groupby((; keys, aggregates, ordered = false), held)
        end
        for keys in (["code"], ["key"]), column in ("n", "x", "z")
            top((; keys, column, n = 2, ordered = false), derived)
        end
        others = select(derived, "n", "code", "x" => "w")
        for on in (["n"], ["code"]), how in ("inner", "left"), right in (others, unique(others, "code"))
            join((; on, how, columns = ["w"], ordered = false), derived, right)
        end
        for by in (["time", "n"], ["name", "n"], ["n"], ["y"], ["z"], ["time"]), descending in (false, true)
            sort((; by, descending), derived)
        end
        for kernel in ("mean", "sum"), column in ("n", "x", "z"), by in (["name"], ["name", "place"])
            rolling((; name = "w", by, column, window = 2, var"function" = kernel), whole)
        end
        encoded = one_hot((; columns = ["name", "place", "key"]), whole)
        scaled = standardise((; columns = ["n", "x", "z"]), encoded)
        TwinBench.neutral(split((label = "label", drop = ["tag", "code", "time"]), scaled, given))
        TwinBench.neutral(read)
        TwinBench.neutral(held)
        TwinBench.facts(read)
        letters = TwinBench.CodePoints(UInt32['a' 'b' '\0'])
        table(TwinBench.Values(["i" => [1, 2, 3], "f" => [1.0, NaN, 2.0], "s" => letters]))
    end
end

end
