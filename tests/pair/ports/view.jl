function right(x)
    y = x[2:end]
    y .-= 1.0
    return y
end

function wrong(x)
    y = collect(view(x, 2:length(x)))
    z = view(x, 2:length(x))
    z .-= 1.0
    return y .- 1.0
end
