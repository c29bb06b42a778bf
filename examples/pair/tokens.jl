# The port of tokens.py.

function count_words(text)
    counts = Dict{String, Int}()
    for found in eachmatch(r"\w+(?:'\w+)*", lowercase(text))
        counts[found.match] = get(counts, found.match, 0) + 1
    end
    return counts
end
