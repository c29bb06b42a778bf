def mean(x):
    return float(x.sum() / len(x)) if len(x) else 0.0
