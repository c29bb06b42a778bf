same(x) = x
whole_complex(x) = (x + 2im, [x + 2im, x - 1im])
