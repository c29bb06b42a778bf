right(x) = minimum(filter(!isnan, x); init = Inf)
wrong(x) = minimum(x; init = Inf)
