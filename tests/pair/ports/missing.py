import numpy as np


def least(x):
    return float(np.fmin.reduce(x, initial=np.inf))
