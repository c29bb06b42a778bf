# A moving average, which `profiles.jl` includes.

"""Return the mean of each value and the `window - 1` values before it in its column, or of as many as there are."""
function smooth(values, window)
    smoothed = similar(values)
    for column in axes(values, 2), row in axes(values, 1)
        smoothed[row, column] = mean(@view values[max(1, row - window + 1):row, column])
    end
    return smoothed
end
