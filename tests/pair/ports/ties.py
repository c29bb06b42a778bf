import numpy as np


def ranking(x):
    return np.argsort(x, kind="stable")[::-1]
