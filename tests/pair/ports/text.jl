right(text, count) = first(text, count)
wrong(text, count) = text[1:min(count, ncodeunits(text))]
