def scaled(x):
    return 0.1 * x
