right(numbers, divisor) = fld.(numbers, divisor), mod.(numbers, divisor)
wrong(numbers, divisor) = numbers .÷ divisor, numbers .% divisor
