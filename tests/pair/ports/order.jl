right(matrix) = vec(permutedims(matrix))
wrong(matrix) = vec(matrix)
