def parts(numbers, divisor):
    return numbers // divisor, numbers % divisor
