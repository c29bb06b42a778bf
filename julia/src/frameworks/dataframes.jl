# The table ops for DataFrames.jl with CSV.jl. The same ops in the same order for pandas are in
# python/twinbench/frameworks/pandas.py; the contracts are in python/twinbench/ops/tables/. Groups and features are in files of
# their own.
#
# Columns that an op doesn't change are shared between its input and its output (`copycols`): no op writes into a column.

import CSV
import DataFrames
using DataFrames:
    AbstractDataFrame,
    DataFrame,
    Not,
    combine,
    disallowmissing,
    disallowmissing!,
    dropmissing,
    groupindices
using DataFrames: innerjoin, leftjoin, leftjoin!, mapcols, ncol, nrow, order, select, select!, transform, transform!
using Dates: Date, DateTime, Time, dayofweek, month, @dateformat_str
using PooledArrays: PooledArray
using Statistics: cor, mean, median, std

const NAME = "DataFrames.jl"
const PACKAGES = ["DataFrames", "CSV"]
const SUMMARY = "DataFrames.jl with CSV.jl: in-memory tables in Julia"

const NUMBERS = Dict{String, Type}("int64" => Int64, "float64" => Float64)

"""Replacements for types that CSV.jl guesses in a column of strings; the inline strings that it chooses stay."""
const STRINGS = IdDict{Type, Type}(T => String for T in (Int64, Float64, Bool, Date, DateTime, Time))

"""How the contract writes a file, as options of CSV.jl."""
const FORMAT = (; missingstring = ["", "NA"], pool = false, delim = ',', strict = true)

"""
Read the named columns of a CSV file, and pool none: by default, CSV.jl pools columns whose values repeat.

Columns are read by their positions: CSV.jl gives other names to those that are called NA or by spaces.
"""
function read_csv(p, path)
    header = header_of(path)
    position = Dict(name => findfirst(==(name), header) for (name, _) in p.columns)
    types = Dict(position[name] => NUMBERS[kind] for (name, kind) in p.columns if kind != "string")
    renamed = (; header = string.("c", eachindex(header)), skipto = 2)
    table = CSV.read(
        path,
        DataFrame;
        renamed...,
        FORMAT...,
        select = collect(values(position)),
        types,
        typemap = STRINGS,
    )
    column(kind) = ["c$(position[name])" for (name, of) in p.columns if of == kind]
    foreach(name -> mend_integers!(table, name, path, renamed), column("int64"))
    mend_strings!(table, column("string"), path, renamed)
    return select!(table, ["c$(position[name])" => READ[kind] => name for (name, kind) in p.columns])
end

"""Read the names in the first line. Only CSV.jl understands quotes, and it takes as long as for a small file."""
function header_of(path)
    line = chopprefix(readline(path), "\ufeff")
    '"' in line || return Base.split(line, ',')
    rows = CSV.Rows(path; header = false, limit = 1, delim = ',', missingstring = nothing, types = String)
    return collect(String, only(rows))
end

"""Read a column of whole numbers as strings where CSV.jl may have lost a sign: it does so from -(2^63 - 1) to -(2^63 - 8)."""
function mend_integers!(table, name, path, renamed)
    any(>(typemax(Int64) - 8), table[!, name]) || return table
    table[!, name] = parse.(Int64, texts(path, [name], renamed)[!, name])
    return table
end

"""Read columns of strings anew where CSV.jl took spaces for an empty field, or an inline string has doubled quotes only."""
function mend_strings!(table, names, path, renamed)
    wrong(name) = any(only_quotes, skipmissing(table[!, name]))
    if any(wrong, names) || any(name -> Missing <: eltype(table[!, name]), names) && has_blank_field(read(path))
        for (name, column) in pairs(eachcol(texts(path, names, renamed)))
            table[!, name] = replace(column, "" => missing)
        end
    end
    return table
end

texts(path, names, renamed) = CSV.read(
    path,
    DataFrame;
    renamed...,
    FORMAT...,
    missingstring = "NA",
    select = names,
    types = String,
)

"""Return whether a string consists of quotes, as an inline string does that kept both of a doubled one."""
only_quotes(text) = startswith(text, '"') && all(==('"'), text)

"""Return whether a field holds spaces or tabs only. Text in quotes may look as if it were such a field."""
function has_blank_field(bytes::Vector{UInt8})
    for sign in (UInt8(' '), UInt8('\t'))
        start = findfirst(==(sign), bytes)
        while start !== nothing
            stop = something(
                findnext(byte -> byte != UInt8(' ') && byte != UInt8('\t'), bytes, start),
                length(bytes) + 1,
            )
            left = start == 1 || bytes[start - 1] in UInt8.((',', '\n', '"'))
            right = stop > length(bytes) || bytes[stop] in UInt8.((',', '\n', '\r', '"'))
            left && right && return true
            start = findnext(==(sign), bytes, stop)
        end
    end
    return false
end

"""Read the text NaN as missing, as an empty field is."""
numbers(column::AbstractVector) = any(isequal(NaN), column) ? replace(column, NaN => missing) : column

strings(column::AbstractVector{Missing}) = Vector{Union{Missing, String}}(column)
strings(column::AbstractVector) = column

const READ = Dict("int64" => identity, "float64" => numbers, "string" => strings)

"""Pool columns of strings."""
categorise(p, table) = transform(table, p.columns .=> PooledArray .=> p.columns; copycols = false)

"""Drop rows with missing values, then convert: the type of a column without missing values doesn't allow them."""
function clean(p, table)
    kept = isempty(p.drop_missing) ?
        copy(table; copycols = false) :
        disallowmissing!(dropmissing(table, p.drop_missing); error = false)
    return transform!(kept, [name => (column -> cast(NUMBERS[kind], column)) => name for (name, kind) in p.cast])
end

cast(::Type{Int64}, column::AbstractVector{<:Union{Missing, Real}}) = trunc.(Int64, disallowmissing(column))
cast(::Type{Float64}, column::AbstractVector{<:Union{Missing, Integer}}) = Float64.(disallowmissing(column))
cast(::Type, column::AbstractVector) = column

"""Replace missing numbers by the median or the mean of the others."""
function impute(p, table)
    statistic = p.strategy == "median" ? median : mean
    return transform(
        table,
        [name => (column -> fill_missing(statistic, column)) => name for name in p.columns];
        copycols = false,
    )
end

function fill_missing(statistic::F, column::AbstractVector) where {F}
    present = skipmissing(column)
    return isempty(present) ? column : coalesce.(column, statistic(present))
end

"""Add columns, computed row by row. A column of times is parsed once, however many columns derive from it."""
function derive(p, table)
    result = copy(table; copycols = false)
    times = Dict{String, AbstractVector{DateTime}}()
    for (name, (what, column, rest...)) in p.columns
        result[!, name] = if what == "floor_divide"
            fld.(table[!, column], only(rest))
        elseif what == "ratio"
            ratio.(table[!, column], table[!, rest[1]], rest[2])
        elseif what == "greater"
            greater.(table[!, column], only(rest))
        else
            part = what == "month" ? month : dayofweek
            Vector{Int64}(map(part, get!(() -> parse_times(table[!, column]), times, column)))
        end
    end
    return result
end

ratio(a, b, scale) = scale * a / b
greater(value, limit) = Int64(coalesce(value > limit, false))

"""Parse each distinct time once: `map` over a pooled column visits its pool."""
parse_times(column::AbstractVector) = map(parse_time, pooled(disallowmissing(column)))
parse_time(text) = DateTime(text, dateformat"yyyy-mm-dd\THH:MM:SS\Z")

pooled(column::AbstractVector) = PooledArray(column)
pooled(column::PooledArray) = column

"""Join rows of the left table with their matches. A left join with unique keys on the right only adds columns."""
function join(p, left, right)
    left, taken = unsigned_zeros(left, p.on), unsigned_zeros(select(right, [p.on; p.columns]; copycols = false), p.on)
    can_miss(taken, p.on) && (taken = dropmissing(taken, p.on)) # nothing matches a missing key
    options = (; p.on, matchmissing = :equal)
    order = p.ordered ? :left : :undefined
    p.how == "inner" && return innerjoin(left, taken; options..., order)
    transform!(taken, p.columns .=> widen_integers .=> p.columns)
    allunique(taken, p.on) || return leftjoin(left, taken; options..., order)
    return leftjoin!(copy(left; copycols = false), taken; options...)
end

"""Replace -0.0 by 0.0 in keys, where it occurs: DataFrames.jl joins on no -0.0, and sorts it before 0.0."""
function unsigned_zeros(table, keys)
    signed = filter(name -> has_signed_zero(table[!, name]), keys)
    return isempty(signed) ? table : transform(table, signed .=> (column -> column .+ 0.0) .=> signed; copycols = false)
end

has_signed_zero(column::AbstractVector{<:Union{Missing, AbstractFloat}}) = any(isequal(-0.0), column)
has_signed_zero(column::AbstractVector) = false

widen_integers(column::AbstractVector{<:Union{Missing, Integer}}) = passmissing_float.(column)
widen_integers(column::AbstractVector) = column
passmissing_float(value) = ismissing(value) ? missing : Float64(value)

"""Sort stably, with missing values last."""
function sort(p, table)
    by = p.descending ? [descending(name, table[!, name]) for name in p.by] : p.by
    keys = unsigned_zeros(table, p.by)
    return keys === table ? Base.sort(table, by) : table[sortperm(keys, by), :]
end

descending(name, ::AbstractVector) = order(name; rev = true)
descending(name, ::AbstractVector{>:Missing}) = order(name; lt = greater_missing_last)

greater_missing_last(a, b) = ismissing(a) ? false : ismissing(b) ? true : isless(b, a)

"""Compute a trailing window per group."""
function rolling(p, table)
    groups = group(table, p.by; sort = false)
    window = p.window
    kernel = p.var"function" == "mean" ? rolling_mean : rolling_sum
    return transform(
        groups,
        p.column => (column -> kernel(disallowmissing(column), window)) => p.name;
        copycols = false,
    )
end

"""Sum over a trailing window, updating by the newest and the oldest value."""
function rolling_sum(column::AbstractVector, window::Int)
    sums = Vector{Float64}(undef, length(column))
    total = 0.0
    @inbounds for i in eachindex(sums)
        total += column[i]
        i > window && (total -= column[i - window])
        sums[i] = total
    end
    return sums
end

function rolling_mean(column::AbstractVector, window::Int)
    means = rolling_sum(column, window)
    for i in eachindex(means)
        means[i] /= min(i, window)
    end
    return means
end

include("dataframes/groups.jl")
include("dataframes/features.jl")

"""
    table(values) -> DataFrame

A table from neutral columns, with NaN and the empty string as missing.
"""
table(values) = DataFrame([name => native(column) for (name, column) in values]; copycols = false)

native(column::AbstractVector) = copy(column)
native(column::AbstractVector{T}) where {T <: AbstractFloat} = any(isnan, column) ?
    Union{Missing, T}[isnan(value) ? missing : value for value in column] :
    copy(column)

native(column::TwinBench.CodePoints) = any(ismissing, column) ? collect(column) : String[string for string in column]

TwinBench.neutral(table::AbstractDataFrame) = TwinBench.Values([
    name => TwinBench.plain(table[!, name])
    for name in names(table)
])

TwinBench.facts(table::AbstractDataFrame) = TwinBench.Values([
    name => string(typeof(table[!, name]))
    for name in names(table)
])

const OPS = Dict{String, Function}(
    "tables.read_csv" => read_csv,
    "tables.categorise" => categorise,
    "tables.clean" => clean,
    "tables.impute" => impute,
    "tables.derive" => derive,
    "tables.groupby" => groupby,
    "tables.top" => top,
    "tables.join" => join,
    "tables.sort" => sort,
    "tables.rolling" => rolling,
    "tables.one_hot" => one_hot,
    "tables.standardise" => standardise,
    "tables.split" => split,
)
