same(x) = x
