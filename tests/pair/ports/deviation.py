def spread(x):
    return float(x.std()) if len(x) else 0.0
