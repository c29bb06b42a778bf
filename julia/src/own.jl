# The user's own functions, which pipelines name by file and name.

"""Modules of the user's files by path: a file is included once, in a module of its own."""
const OWN_FILES = Dict{String, Module}()

"""A function of the user's as an op: inputs by position, parameters by name."""
struct OwnOp{F}
    f::F
end

(own::OwnOp)(params::NamedTuple, inputs...) = own.f(inputs...; params...)

"""
    own_file(file) -> Module

Include a file, unless it was included before, and return its module.
"""
function own_file(file::AbstractString)
    return get!(OWN_FILES, file) do
        name = gensym(first(splitext(basename(file))))
        found = Core.eval(Main, Expr(:toplevel, Expr(:module, true, name, Expr(:block)), name))
        Base.include(found, file)
        found
    end
end

"""
    own_op(file::Module, name) -> OwnOp

Return the function of a file's module by its name, which may have modules before it. Throws KeyError if it isn't there.
"""
function own_op(file::Module, name::AbstractString)
    value = file
    for part in Symbol.(split(name, '.'))
        value isa Module && isdefined(value, part) || throw(KeyError(name))
        value = getfield(value, part)
    end
    return OwnOp(value)
end

"""
    own_names(file::Module) -> Vector{String}

Return the names that a file defines.
"""
own_names(file::Module) = String[
    string(name)
    for name in names(file; all = true)
    if !startswith(string(name), '#') && name ∉ (:eval, :include, nameof(file))
]

"""
    texts(value) -> Vector{String}

Return the names of the arrays that hold strings.
"""
texts(arrays::NamedTuple) = String[
    string(name)
    for (name, values) in pairs(arrays)
    if values isa AbstractVector && nonmissingtype(eltype(values)) <: AbstractString
]
texts(_) = String[]

"""
    model_arrays(model)

Return the arrays of a model, which may hold anything else, too. A model that isn't a NamedTuple is returned as it is.
"""
model_arrays(model::NamedTuple) = NamedTuple(name => part for (name, part) in pairs(model) if part isa AbstractArray)
model_arrays(model) = model
