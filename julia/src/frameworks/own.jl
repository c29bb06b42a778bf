# Julia as the user writes it: no ops of its own, and the user's functions, on values in neutral form. The same in Python is in
# python/twinbench/frameworks/python.py.

import ..TwinBench

const NAME = "Julia"
const PACKAGES = String[]
const SUMMARY = "Your own functions in Julia, on arrays"

"""A table as a NamedTuple of columns of its own; a missing string is the empty string, a missing number is NaN."""
table(values) = TwinBench.named(TwinBench.Values([name => native(column) for (name, column) in values]))

images(arrays) = arrays

model(arrays) = arrays

"""Arrays whose strings are strings of Julia's."""
placed(arrays::NamedTuple) = map(values -> values isa TwinBench.CodePoints ? native(values) : values, arrays)

native(column::AbstractVector) = copy(column)
native(column::TwinBench.CodePoints) = String[coalesce(string, "") for string in column]

const OPS = Dict{String, Function}()
