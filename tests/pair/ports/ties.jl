right(x) = reverse(sortperm(x)) .- 1
wrong(x) = sortperm(x; rev = true) .- 1
