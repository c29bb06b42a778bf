# How values cross between NumPy and Julia. NumPy's memory is borrowed by address, so that nothing here depends on PythonCall
# and all of it can be compiled ahead. Dimensions are reversed on the way: a C-ordered (rows, features) matrix of NumPy and a
# column-major (features, rows) matrix of Julia are the same bytes.

"""Named values, in order: columns of a table, arrays, parameters."""
const Values = Vector{Pair{String, Any}}

"""
    CodePoints(matrix)

Strings as NumPy holds them (`<U`): one string a column, as code points padded with zeros. The empty string is missing.
"""
struct CodePoints <: AbstractVector{Union{Missing, String}}
    matrix::Matrix{UInt32}
end

Base.size(strings::CodePoints) = (size(strings.matrix, 2),)

function Base.getindex(strings::CodePoints, row::Int)
    @boundscheck checkbounds(strings, row)
    column = @view strings.matrix[:, row]
    width = something(findlast(!iszero, column), 0)
    return width == 0 ? missing : String(Char[Char(column[i]) for i in 1:width])
end

"""
What keeps borrowed memory valid, by the identity of the array that borrows it.

A finalizer that holds the owner would not do: what only finalizers reach counts as garbage and is finalized itself.
"""
const OWNERS = Dict{UInt, Any}()
const OWNERS_LOCK = ReentrantLock()

"""
    borrow(T, address, dims, owner) -> Array{T}

The memory at `address` as an array, without a copy. The array keeps `owner` alive, and so the memory. Never write to it.
"""
function borrow(::Type{T}, address::Integer, dims::Dims, @nospecialize(owner)) where {T}
    any(iszero, dims) && return Array{T}(undef, dims)
    # fatou-ignore discouraged-function: the owner keeps the memory valid
    array = unsafe_wrap(Array, Ptr{T}(UInt(address)), dims)
    @lock OWNERS_LOCK OWNERS[objectid(array)] = owner
    return finalizer(give_back, array)
end

"""Let the owner go. A finalizer can't wait for a lock, so it comes again later if somebody holds it."""
function give_back(array)
    trylock(OWNERS_LOCK) || return finalizer(give_back, array)
    try
        delete!(OWNERS, objectid(array))
    finally
        unlock(OWNERS_LOCK)
    end
    return nothing
end

"""
    lend!(values, name, T, address, dims, owner)

Append a borrowed array.
"""
lend!(values::Values, name::String, ::Type{T}, address::Integer, dims::Dims, @nospecialize(owner)) where {T} = push!(
    values,
    name => borrow(T, address, dims, owner),
)

"""
    lend_text!(values, name, address, dims, owner)

Append borrowed strings; `dims` are characters per string and strings.
"""
lend_text!(values::Values, name::String, address::Integer, dims::Dims{2}, @nospecialize(owner)) = push!(
    values,
    name => CodePoints(borrow(UInt32, address, dims, owner)),
)

"""
    add!(values, name, value)

Append any value.
"""
add!(values::Values, name::String, @nospecialize(value)) = push!(values, Pair{String, Any}(name, value))

"""
    named(values) -> NamedTuple

Arrays by name, or an op's parameters by name.
"""
named(values::Values) = NamedTuple{Tuple(Symbol.(first.(values)))}(Tuple(last.(values)))

"""
    mapping(values) -> Vector{Pair}

A mapping in its order, in a vector of its own type.
"""
mapping(values::Values) = isempty(values) ? Pair{String, String}[] : [name => value for (name, value) in values]

"""
    vector(values) -> Vector

The values without their names, in a vector of their own type.
"""
vector(values::Values) = isempty(values) ? String[] : [value for (_, value) in values]

"""
    neutral(value) -> Values

A native value as arrays that NumPy can look at. A matrix of UInt32 in a table holds strings, one in a column.
"""
neutral(arrays::NamedTuple) = Values([String(name) => plain(values) for (name, values) in pairs(arrays)])

"""
    plain(values) -> Array

Without `missing`: NaN among numbers, no characters among strings.
"""
function plain(values::AbstractArray)
    T = nonmissingtype(eltype(values))
    T === Union{} && return fill(NaN, length(values))
    T <: AbstractString && return code_points(values)
    T === eltype(values) && return convert(Array, values)
    T <: Integer && !any(ismissing, values) && return T[value for value in values]
    F = T <: AbstractFloat ? T : Float64
    return F[ismissing(value) ? F(NaN) : value for value in values]
end

"""
    code_points(strings) -> Matrix{UInt32}

Strings as NumPy holds them, one in a column; at least one row, because NumPy has no strings of no width.
"""
function code_points(strings::AbstractVector{<:Union{Missing, AbstractString}})
    width = maximum(length, skipmissing(strings); init = 1)
    matrix = zeros(UInt32, width, length(strings))
    for (row, string) in enumerate(strings)
        ismissing(string) && continue
        for (place, character) in enumerate(string)
            matrix[place, row] = codepoint(character)
        end
    end
    return matrix
end

"""
    facts(value) -> Values

How a native value is held, for the record: types and sizes by name.
"""
facts(arrays::NamedTuple) = Values([
    String(name) => "$(typeof(values)) $(join(size(values), 'x'))"
    for (name, values) in pairs(arrays)
])
facts(_) = Values()
