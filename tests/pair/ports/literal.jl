right(x) = 0.1 .* x
wrong(x) = 0.1f0 .* x
