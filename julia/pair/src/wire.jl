# Neutral values as bytes: python/twinbench/pair/callee/wire.py has the same letters, in both directions. Every value begins
# with a letter that says its kind. Numbers are little-endian, lengths have 8 bytes, text is UTF-8, arrays are in C order.

"""Element types that arrays have as bytes, by NumPy's names."""
const DTYPES = Dict{String, DataType}(
    "bool" => Bool,
    "int8" => Int8,
    "int16" => Int16,
    "int32" => Int32,
    "int64" => Int64,
    "uint8" => UInt8,
    "uint16" => UInt16,
    "uint32" => UInt32,
    "uint64" => UInt64,
    "float16" => Float16,
    "float32" => Float32,
    "float64" => Float64,
    "complex64" => ComplexF32,
    "complex128" => ComplexF64,
)
const NAMES = Dict{DataType, String}(type => name for (name, type) in DTYPES)

"""Deepest nesting of vectors and mappings; a deeper one can't travel."""
const MOST_DEPTH = 100

const EPOCH = Date(1970)

"""Whether arrays have reversed dimensions here: their memory is what travels, and nothing is copied into another order."""
const REVERSED = Ref(false)

put_length(out::IO, number::Integer) = write(out, UInt64(number))

function put_text(out::IO, text::AbstractString)
    put_length(out, ncodeunits(text))
    return write(out, text)
end

function put_dtype(out::IO, letter::Char, name::String)
    write(out, UInt8(letter))
    return put_text(out, name)
end

"""
    put(out, value, depth = 0)

Write a value. What can't travel is written as the name of its type and its text.
"""
function put(out::IO, @nospecialize(value), depth::Int = 0)
    depth > MOST_DEPTH && throw(ArgumentError("vectors or mappings are nested more than $MOST_DEPTH deep"))
    value === nothing && return write(out, 'N')
    value === missing && return write(out, 'M')
    if value isa Bool
        write(out, value ? 'T' : 'F')
    elseif value isa Float64
        write(out, 'f', value)
    elseif value isa Number
        put_number(out, value)
    elseif value isa Union{AbstractString, AbstractChar, Symbol}
        write(out, 's')
        put_text(out, string(value))
    elseif value isa Union{Date, DateTime, Period}
        put_time(out, value)
    elseif value isa AbstractArray
        put_array(out, value, depth)
    elseif value isa Dict{String, Any}
        put_entries(out, value, depth) # compiled ahead
    elseif value isa AbstractDict
        put_dict(out, value, depth)
    elseif value isa NamedTuple
        write(out, 'n')
        put_columns(out, String.(collect(keys(value))), collect(Any, values(value)), depth)
    elseif value isa Union{Tuple, Pair}
        put_many(out, 't', collect(Any, (value...,)), depth)
    elseif value isa AbstractSet
        put_set(out, value, depth)
    else
        put_rare(out, value, depth)
    end
    return nothing
end

function put_number(out::IO, @nospecialize(value))
    if value isa BigInt
        write(out, 'I')
        put_text(out, string(value))
    elseif haskey(NAMES, typeof(value))
        put_dtype(out, 'x', NAMES[typeof(value)])
        write(out, value)
    elseif value isa Complex{<:Integer}
        # Python has no such number
        put_number(out, ComplexF64(value))
    elseif value isa AbstractIrrational
        write(out, 'f', Float64(value))
    else
        put_other(out, value)
    end
    return nothing
end

function put_time(out::IO, @nospecialize(value))
    dtype, number = moment(value)
    put_dtype(out, 'x', dtype)
    write(out, number)
    return nothing
end

moment(day::Date) = ("datetime64[D]", Int64((day - EPOCH).value))
moment(time::DateTime) = ("datetime64[ns]", Int64((time - DateTime(EPOCH)).value) * 1_000_000)
moment(span::Period) = ("timedelta64[ns]", Int64(Dates.tons(span)))

function put_many(out::IO, letter::Char, items::Vector{Any}, depth::Int)
    write(out, letter)
    put_length(out, length(items))
    for item in items
        put(out, item, depth + 1)
    end
    return nothing
end

function put_set(out::IO, @nospecialize(value), depth::Int)
    items = sort!([encode(item, depth + 1) for item in value])
    write(out, 'e')
    put_length(out, length(items))
    foreach(item -> write(out, item), items)
    return nothing
end

put_dict(out::IO, @nospecialize(value), depth::Int) = put_entries(out, Dict{Any, Any}(value), depth)

function put_entries(out::IO, value::Dict, depth::Int)
    write(out, 'd')
    put_length(out, length(value))
    for (key, item) in value
        put(out, key, depth + 1)
        put(out, item, depth + 1)
    end
    return nothing
end

function put_columns(out::IO, names::Vector{String}, columns::Vector{Any}, depth::Int)
    put_length(out, length(names))
    for (name, column) in zip(names, columns)
        put_text(out, name)
        put(out, column, depth + 1)
    end
    return nothing
end

function put_array(out::IO, @nospecialize(value), depth::Int)
    T = eltype(value)
    S = nonmissingtype(T)
    if haskey(NAMES, T)
        put_numbers(out, collect(value), NAMES[T])
    elseif T <: Complex{<:Integer}
        put_numbers(out, collect(ComplexF64, value), "complex128")
    elseif S !== T && haskey(NAMES, S)
        write(out, 'm')
        put_numbers(out, S[ismissing(item) ? zero(S) : item for item in value], NAMES[S])
        put_numbers(out, collect(Bool, ismissing.(value)), "bool")
    elseif S !== Union{} && S <: Union{Date, DateTime}
        put_moments(out, value, S)
    else
        write(out, 'A')
        put_shape(out, size(value))
        foreach(item -> put(out, item, depth + 1), in_c_order(value))
    end
    return nothing
end

function put_moments(out::IO, @nospecialize(value), S::Type)
    any(ismissing, value) && write(out, 'm')
    dtype = first(moment(S(1970)))
    put_numbers(out, Int64[ismissing(item) ? 0 : last(moment(item)) for item in value], dtype)
    any(ismissing, value) && put_numbers(out, collect(Bool, ismissing.(value)), "bool")
    return nothing
end

function put_shape(out::IO, @nospecialize(shape::Dims))
    put_length(out, length(shape))
    for size in (REVERSED[] ? reverse(shape) : shape)
        put_length(out, size)
    end
    return nothing
end

function put_numbers(out::IO, @nospecialize(array::Array), dtype::String)
    put_dtype(out, 'a', dtype)
    put_shape(out, size(array))
    write(out, in_c_order(array))
    return nothing
end

"""Return an array whose memory has the values in C order: the last index changes first."""
in_c_order(array::AbstractArray) = as_it_is(array) ? array : permutedims(array, ndims(array):-1:1)

as_it_is(array::AbstractArray) = REVERSED[] || ndims(array) < 2

"""Write a table, by the names of its type, because DataFrames may not be loaded; everything else as text."""
function put_rare(out::IO, @nospecialize(value), depth::Int)
    if nameof(typeof(value)) in (:DataFrame, :SubDataFrame)
        columns = Base.invokelatest(pairs, Base.invokelatest(eachcol, value))
        names, items = String[], Any[]
        for (name, column) in Base.invokelatest(collect, columns)
            push!(names, String(name))
            push!(items, column)
        end
        write(out, 'D')
        put_length(out, isempty(items) ? 0 : length(first(items)))
        put_columns(out, names, items, depth)
    elseif nameof(typeof(value)) === :CategoricalValue
        write(out, 's')
        put_text(out, Base.invokelatest(string, value))
    else
        put_other(out, value)
    end
    return nothing
end

function put_other(out::IO, @nospecialize(value))
    write(out, 'O')
    put_text(out, string(nameof(typeof(value))))
    put_text(out, first(Base.invokelatest(repr, value), 200))
    return nothing
end

"""
    encode(value) -> Vector{UInt8}

Return a value as bytes.
"""
function encode(@nospecialize(value), depth::Int = 0)
    out = IOBuffer()
    put(out, value, depth)
    return take!(out)
end
