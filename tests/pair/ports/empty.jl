right(x) = isempty(x) ? 0.0 : sum(x) / length(x)
wrong(x) = sum(x) / length(x)
