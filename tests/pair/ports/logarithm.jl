right(x) = [value < 0 ? NaN : log(value) for value in x]
wrong(x) = log.(x)
