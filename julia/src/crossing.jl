# How values cross between NumPy and Julia. NumPy's memory is borrowed by address, so that nothing here depends on PythonCall
# and all of it can be compiled ahead. Dimensions are reversed on the way: a C-ordered (rows, features) matrix of NumPy and a
# column-major (features, rows) matrix of Julia are the same bytes.

"""Named values in order: columns of a table, arrays, or parameters."""
const Values = Vector{Pair{String, Any}}

"""
    CodePoints(matrix)

Strings in NumPy's format (`<U`): each column of the matrix is one string, as code points padded with zeros. An empty
string is missing.
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
Owners of borrowed memory, by the identity of the array that borrows it: while an owner is here, its memory stays valid.

A finalizer that holds the owner wouldn't suffice: an object that only finalizers reach counts as garbage itself.
"""
const OWNERS = Dict{UInt, Any}()
const OWNERS_LOCK = ReentrantLock()

"""
    borrow(T, address, dims, owner) -> Array{T}

Wrap the memory at `address` in an array without a copy. The array keeps `owner`, and so the memory, alive. Never write
to the array.
"""
function borrow(::Type{T}, address::Integer, dims::Dims, @nospecialize(owner)) where {T}
    any(iszero, dims) && return Array{T}(undef, dims)
    # fatou-ignore discouraged-function: the owner keeps the memory valid
    array = unsafe_wrap(Array, Ptr{T}(UInt(address)), dims)
    @lock OWNERS_LOCK OWNERS[objectid(array)] = owner
    return finalizer(give_back, array)
end

"""Release an array's owner. A finalizer can't wait for a lock, so it runs again later if the lock is taken."""
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

Append borrowed strings; `dims` are the characters per string and the number of strings.
"""
lend_text!(values::Values, name::String, address::Integer, dims::Dims{2}, @nospecialize(owner)) = push!(
    values,
    name => CodePoints(borrow(UInt32, address, dims, owner)),
)

"""
    add!(values, name, value)

Append a value of any type.
"""
add!(values::Values, name::String, @nospecialize(value)) = push!(values, Pair{String, Any}(name, value))

"""
    named(values) -> NamedTuple

Return the values by name: arrays, or an op's parameters.
"""
named(values::Values) = NamedTuple{Tuple(Symbol.(first.(values)))}(Tuple(last.(values)))

"""
    mapping(values) -> Vector{Pair}

Return an ordered mapping as a vector with a concrete element type.
"""
mapping(values::Values) = isempty(values) ? Pair{String, String}[] : [name => value for (name, value) in values]

"""
    vector(values) -> Vector

Return the values without their names, in a vector with a concrete element type.
"""
vector(values::Values) = isempty(values) ? String[] : [value for (_, value) in values]

"""
    neutral(value) -> Values

Convert a native value into arrays that NumPy can view. In a table, a matrix of UInt32 holds one string per column.
"""
neutral(arrays::NamedTuple) = Values([String(name) => plain(values) for (name, values) in pairs(arrays)])

"""
    plain(values) -> Array

Replace `missing` by NaN among numbers, and by the empty string among strings.
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

plain(value::Number) = fill(value)

"""
    code_points(strings) -> Matrix{UInt32}

Convert strings into NumPy's format, one string per column; at least one row, because NumPy has no strings of width 0.
"""
function code_points(strings::AbstractVector{<:Union{Missing, AbstractString}})
    width = maximum(length, skipmissing(strings); init = 1)
    matrix = zeros(UInt32, width, length(strings))
    for (row, string) in enumerate(strings)
        ismissing(string) && continue
        for (position, character) in enumerate(string)
            matrix[position, row] = codepoint(character)
        end
    end
    return matrix
end

"""
    facts(value) -> Values

Describe a native value for the run's record: types and sizes by name.
"""
facts(arrays::NamedTuple) = Values([
    String(name) => "$(typeof(values)) $(join(size(values), 'x'))"
    for (name, values) in pairs(arrays)
])
facts(_) = Values()
