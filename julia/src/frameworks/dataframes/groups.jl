# Groups of DataFrames.jl's tables: aggregates, and the largest values.

"""Group with `DataFrames.groupby`, without pooling columns of a table without rows, on which it fails (1.8.2)."""
group(table, keys; options...) = DataFrames.groupby(
    nrow(table) == 0 ? mapcols(collect, table) : table,
    keys;
    options...,
)

can_miss(table, names) = any(name -> Missing <: eltype(table[!, name]), names)

"""Compute one aggregate per column. DataFrames.jl chooses the order of the groups unless the contract names one."""
function groupby(p, table)
    groups = group(table, p.keys; sort = p.ordered ? true : nothing, skipmissing = can_miss(table, p.keys))
    # `isempty` would sort the rows by group to look at the first of them
    iszero(length(groups)) && return no_groups(p, table)
    result = combine(groups, [part for (name, how) in p.aggregates for part in parts(table, name, how...)])
    for (name, (what, _)) in p.aggregates
        if what == "max_minus_min"
            result[!, name] .-= result[!, LOWEST * name]
            select!(result, Not(LOWEST * name))
        elseif what in ("mean", "std", "r2")
            result[!, name] = nan_to_missing(result[!, name])
        end
    end
    return result
end

"""Return columns without rows, with the types that aggregates would have: without a group, no function can be tried."""
function no_groups(p, table)
    result = table[1:0, p.keys]
    for (name, (what, of...)) in p.aggregates
        types = [nonmissingtype(eltype(table[!, column])) for column in of]
        kept = what in ("sum", "min", "max", "max_minus_min")
        result[!, name] = what == "count" ? Int64[] : kept ? promote_type(types...)[] : Float64[]
    end
    return result
end

const AGGREGATES = Dict{String, Function}(
    "count" => length,
    "sum" => sum,
    "mean" => mean,
    "std" => std,
    "median" => median,
    "min" => minimum,
    "max" => maximum,
)

const LOWEST = "lowest "

"""Return the columns and functions to combine for an aggregate. A range needs two, each with a single-pass kernel."""
function parts(table, name, what, of...)
    if what == "max_minus_min"
        high, low = of
        return [
            high => aggregate("max", table[!, high]) => name,
            low => aggregate("min", table[!, low]) => LOWEST * name,
        ]
    end
    columns = length(of) == 1 ? only(of) : collect(of)
    return [columns => aggregate(what, (table[!, column] for column in of)...) => name]
end

"""Return the function that aggregates one group. DataFrames.jl has single-pass kernels for those without `present`."""
function aggregate(what, column::AbstractVector{T}) where {T}
    Missing <: T || return AGGREGATES[what]
    what == "count" && return count_present
    return what in ("sum", "mean", "std") ? AGGREGATES[what] ∘ skipmissing : present(AGGREGATES[what])
end

count_present(column) = count(!ismissing, column)

"""Apply `f` to the values that aren't missing; the result is missing if all are."""
function present(f::F) where {F}
    return function (column)
        values = skipmissing(column)
        return isempty(values) ? missing : f(values)
    end
end

aggregate(_, a::AbstractVector, b::AbstractVector) = Missing <: Union{eltype(a), eltype(b)} ? r2_of_whole : r2

r2(a, b) = cor(a, b)^2

"""Apply `f` to the rows in which neither column is missing."""
function r2_of_whole(a, b)
    whole = [i for i in eachindex(a, b) if !ismissing(a[i]) && !ismissing(b[i])]
    return isempty(whole) ? NaN : r2(disallowmissing(a[whole]), disallowmissing(b[whole]))
end

nan_to_missing(column::AbstractVector) = any(isnan, column) ? ifelse.(isnan.(column), missing, column) : column

"""Take the largest values of each group with `partialsort`, which doesn't sort the others."""
function top(p, table)
    rows = select(table, [p.keys; p.column]; copycols = false)
    groups = group(rows, p.keys; sort = p.ordered ? true : nothing, skipmissing = can_miss(rows, p.keys))
    iszero(length(groups)) && return rows[1:0, :]
    return combine(groups, p.column => (column -> largest(column, p.n)) => p.column)
end

largest(column::AbstractVector, n::Int) = partialsort(column, 1:min(n, length(column)); rev = true)

function largest(column::AbstractVector{>:Missing}, n::Int)
    values = collect(skipmissing(column))
    return partialsort!(values, 1:min(n, length(values)); rev = true)
end
