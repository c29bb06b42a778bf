def power(exponent):
    return 3**exponent
