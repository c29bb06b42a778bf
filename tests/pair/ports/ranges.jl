right(first, last) = sum(first:(last - 1))
wrong(first, last) = sum(first:last)
