def total(first, last):
    return sum(range(first, last))
