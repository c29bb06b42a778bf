def without_first(x):
    y = x[1:].copy()
    y -= 1.0
    return y
