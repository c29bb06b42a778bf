"""
    exercise(framework::Module)

Use the ops of DataFrames.jl on the column types that CSV.jl makes and the ops then leave, so that what they need is
compiled.
"""
function exercise(framework::Module)
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
    file, io = mktemp()
    write(io, text)
    close(io)
    read = framework.read_csv((; columns), file)
    rm(file)
    cleaned = framework.clean((drop_missing = ["x"], cast = ["y" => "int64"]), read)
    framework.clean((drop_missing = ["x", "y"], cast = ["n" => "float64"]), read)
    whole = framework.impute((columns = ["x", "z"], strategy = "mean"), read)
    framework.impute((columns = ["x", "z"], strategy = "median"), cleaned)
    derived = framework.derive((; columns = definitions), cleaned)
    framework.derive((; columns = definitions), read)
    for keys in (["name"], ["key"], ["name", "place"], ["name", "place", "key"], ["place", "time"], ["tag"], ["code"])
        groups = framework.groupby((; keys, aggregates, ordered = true), derived)
        framework.groupby((; keys, aggregates, ordered = false), derived)
        for how in ("inner", "left"), right in (groups, [groups; groups])
            joined = framework.join(
                (; on = keys, how, columns = ["count-n", "mean-x", "std-x"], ordered = true),
                derived,
                right,
            )
            framework.impute((columns = ["count-n", "mean-x", "std-x"], strategy = "median"), joined)
        end
    end
    six = ["name", "place", "code", "key", "n", "label"]
    held = framework.categorise((; columns = ["name", "place", "code"]), derived)
    for values in (derived, held)
        framework.groupby((; keys = six, aggregates = ["s" => ["sum", "x"]], ordered = false), values)
    end
    for keys in (["name"], ["name", "place"], ["code"], ["place", "key"])
        framework.groupby((; keys, aggregates, ordered = false), held)
    end
    for keys in (["code"], ["key"]), column in ("n", "x", "z")
        framework.top((; keys, column, n = 2, ordered = false), derived)
    end
    others = framework.DataFrames.select(derived, "n", "code", "x" => "w")
    for on in (["n"], ["code"]), how in ("inner", "left"), right in (
            others,
            framework.DataFrames.unique(others, "code"),
        )
        framework.join((; on, how, columns = ["w"], ordered = false), derived, right)
    end
    for by in (["time", "n"], ["name", "n"], ["n"], ["y"], ["z"], ["time"]), descending in (false, true)
        framework.sort((; by, descending), derived)
    end
    for kernel in ("mean", "sum"), column in ("n", "x", "z"), by in (["name"], ["name", "place"])
        framework.rolling((; name = "w", by, column, window = 2, var"function" = kernel), whole)
    end
    encoded = framework.one_hot((; columns = ["name", "place", "key"]), whole)
    scaled = framework.standardise((; columns = ["n", "x", "z"]), encoded)
    TwinBench.neutral(framework.split((label = "label", drop = ["tag", "code", "time"]), scaled, given))
    TwinBench.neutral(read)
    TwinBench.neutral(held)
    TwinBench.facts(read)
    letters = TwinBench.CodePoints(UInt32['a' 'b' '\0'])
    framework.table(TwinBench.Values(["i" => [1, 2, 3], "f" => [1.0, NaN, 2.0], "s" => letters]))
    return nothing
end
