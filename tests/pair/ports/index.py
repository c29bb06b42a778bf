def window(x, start, stop):
    return x[start:stop]
