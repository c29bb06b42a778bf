def flat(matrix):
    return matrix.flatten()
