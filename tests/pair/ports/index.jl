right(x, start, stop) = x[(start + 1):stop]
wrong(x, start, stop) = x[start:stop]
