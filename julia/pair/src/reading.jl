# Neutral values from bytes, in the forms that a Julia user expects. The letters are those of wire.jl.

take_length(from::IO) = Int(read(from, UInt64))
take_text(from::IO) = String(read(from, take_length(from)))

function take_values(from::IO)
    items = Any[]
    for _ in 1:take_length(from)
        push!(items, take_value(from))
    end
    return items
end

"""Read names and values, as two vectors."""
function take_named(from::IO)
    names, items = String[], Any[]
    for _ in 1:take_length(from)
        push!(names, take_text(from))
        push!(items, take_value(from))
    end
    return names, items
end

"""
    take_value(from)

Read a value in the form that a Julia user expects: a vector of numbers has their common type, and so on.
"""
function take_value(from::IO)
    letter = Char(read(from, UInt8))
    letter == 'N' && return nothing
    letter == 'M' && return missing
    letter == 'T' && return true
    letter == 'F' && return false
    letter == 'I' && return whole(take_text(from))
    letter == 'f' && return read(from, Float64)
    letter == 's' && return take_text(from)
    letter == 'y' && return read(from, take_length(from))
    letter == 'x' && return take_scalar(from)
    letter == 'a' && return take_array(from)
    letter == 'A' && return take_objects(from)
    letter == 'm' && return masked(take_value(from), take_value(from))
    letter == 'l' && return narrowed(take_values(from))
    letter == 't' && return Tuple(take_values(from))
    letter == 'e' && return Set(narrowed(take_values(from)))
    letter == 'd' && return take_dict(from)
    letter == 'n' && return named_tuple(take_named(from))
    letter == 'D' && return take_table(from)
    throw(ArgumentError("a value of the unknown kind $(repr(letter))"))
end

function whole(text::String)
    number = parse(BigInt, text)
    return typemin(Int64) <= number <= typemax(Int64) ? Int64(number) : number
end

function take_scalar(from::IO)
    dtype = take_text(from)
    haskey(DTYPES, dtype) && return read(from, DTYPES[dtype])
    return moment_of(dtype, read(from, Int64))
end

function moment_of(dtype::String, number::Int64)
    dtype == "datetime64[D]" && return EPOCH + Day(number)
    dtype == "datetime64[ns]" && return DateTime(EPOCH) + Millisecond(fld(number, 1_000_000))
    return Nanosecond(number)
end

take_shape(from::IO) = ntuple(_ -> take_length(from), take_length(from))

function take_array(from::IO)
    dtype = take_text(from)
    shape = take_shape(from)
    haskey(DTYPES, dtype) && return in_julia_order(numbers(from, DTYPES[dtype], shape))
    ticks = in_julia_order(numbers(from, Int64, shape))
    any(==(typemin(Int64)), ticks) || return map(number -> moment_of(dtype, number), ticks)
    return map(number -> number == typemin(Int64) ? missing : moment_of(dtype, number), ticks)
end

function numbers(from::IO, T::DataType, shape::Dims)
    array = Array{T}(undef, reverse(shape))
    read!(from, array)
    return array
end

in_julia_order(array::Array) = as_it_is(array) ? array : permutedims(array, ndims(array):-1:1)

function take_objects(from::IO)
    shape = take_shape(from)
    items = Any[take_value(from) for _ in 1:prod(shape)]
    return in_julia_order(reshape(narrowed(items), reverse(shape)))
end

function masked(values::Array, mask::Array{Bool})
    array = convert(Array{Union{Missing, eltype(values)}}, values)
    array[mask] .= missing
    return array
end

"""Give a vector the element type that a literal with these values has: the common type of numbers, or `Any`."""
function narrowed(items::Vector{Any})
    isempty(items) && return items
    types = unique(map(typeof, items))
    bare = filter(!=(Missing), types)
    T = if length(bare) == 1
        only(bare)
    elseif !isempty(bare) && all(type -> type <: Number && type !== Bool, bare)
        promote_type(bare...)
    else
        return items
    end
    return convert(Vector{Missing in types ? Union{Missing, T} : T}, items)
end

function take_dict(from::IO)
    keys, items = Any[], Any[]
    for _ in 1:take_length(from)
        push!(keys, take_value(from))
        push!(items, take_value(from))
    end
    isempty(keys) && return Dict{String, Any}()
    keys, items = narrowed(keys), narrowed(items)
    return Dict{eltype(keys), eltype(items)}(zip(keys, items))
end

named_tuple((names, items)) = NamedTuple{Tuple(map(Symbol, names))}(Tuple(items))

const DATAFRAMES = Base.PkgId(Base.UUID("a93c6f00-e57d-5684-b7b6-d8193f3e46c0"), "DataFrames")

"""A package that an argument needs and the project lacks."""
struct Lacking <: Exception
    package::String
end

function take_table(from::IO)
    take_length(from)
    names, items = take_named(from)
    columns = Pair{String, Any}[name => item for (name, item) in zip(names, items)]
    Base.locate_package(DATAFRAMES) === nothing && throw(Lacking("DataFrames"))
    return Base.invokelatest(Base.require(DATAFRAMES).DataFrame, columns)
end
