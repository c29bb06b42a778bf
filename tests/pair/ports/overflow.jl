right(exponent) = big(3)^exponent
wrong(exponent) = 3^exponent
