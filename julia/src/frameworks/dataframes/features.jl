# From a table of DataFrames.jl to the features of a network: indicators, z-scores, and matrices.

"""Add indicator columns in the order of the values."""
function one_hot(p, table)
    result = select(table, Not(p.columns); copycols = false)
    for name in p.columns
        groups = group(table, name; sort = true, skipmissing = true)
        indicators = [zeros(UInt8, nrow(table)) for _ in 1:length(groups)]
        mark!(indicators, groupindices(groups))
        for (key, indicator) in zip(keys(groups), indicators)
            result[!, "$name=$(only(key))"] = indicator
        end
    end
    return result
end

function mark!(indicators::Vector{Vector{UInt8}}, groups::AbstractVector)
    for (row, group) in enumerate(groups)
        ismissing(group) || (indicators[group][row] = 0x01)
    end
end

"""Compute z-scores with divisor n."""
standardise(p, table) = transform(table, p.columns .=> z_scores .=> p.columns; copycols = false)

function z_scores(column::AbstractVector)
    values = disallowmissing(column)
    allequal(values) && return zeros(length(values))
    centre = mean(values)
    deviation = std(values; mean = centre, corrected = false)
    return (values .- centre) ./ deviation
end

"""Fill matrices of shape (features, rows), the layout that Flux uses."""
function split(p, table, given)
    features = select(table, Not([p.label; p.drop]); copycols = false)
    label = table[!, p.label]
    train, test = given.train .+ 1, given.test .+ 1
    return (
        x_train = matrix(features, train),
        y_train = Vector{Float32}(label[train]),
        x_test = matrix(features, test),
        y_test = Vector{Float32}(label[test]),
    )
end

"""Number of rows filled at a time, so that this part of the matrix stays in the cache."""
const BLOCK = 1024

function matrix(features::AbstractDataFrame, rows::Vector{Int})
    filled = Matrix{Float32}(undef, ncol(features), length(rows))
    for block in Iterators.partition(eachindex(rows), BLOCK), (feature, column) in enumerate(eachcol(features))
        fill_row!(filled, feature, block, column, rows)
    end
    return filled
end

function fill_row!(filled, feature::Int, block::AbstractUnitRange, column::AbstractVector, rows::Vector{Int})
    for i in block
        filled[feature, i] = column[rows[i]]
    end
end
