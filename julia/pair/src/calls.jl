# The user's function: included, called with fresh arguments, and what a call did. The answers are those of
# python/twinbench/pair/callee/main.py.

"""The loaded function."""
const LOADED = Ref{Any}(nothing)

"""What errors call the code that was given as a text; empty for a file."""
const CODE = Ref("")

# Loading

"""
    load(source, name, code) -> Dict

Include a file in `Main`, and find the function; of `code` that isn't empty, the function is the last value. Returns the
function's name and its arguments' names, or why it can't be loaded.
"""
function load(source::String, name::String, code::String)
    before = Set(names(Main; all = true))
    start = time_ns()
    CODE[] = isempty(code) ? "" : source
    target = Main
    try
        if isempty(code)
            including(() -> Base.include(Main, abspath(source)))
        else
            including(() -> target = Base.include_string(Main, code, source))
        end
    catch exception
        return Dict{String, Any}(
            "error" => "$source can't be included: $(described(exception, catch_backtrace()))",
            "names" => String[],
        )
    end
    isempty(code) || return loaded(target, source, "the last value", start)
    for part in split(name, '.')
        if !(target isa Module) || !Base.invokelatest(isdefined, target, Symbol(part))
            defined = filter(symbol -> symbol ∉ before, names(Main; all = true))
            return Dict{String, Any}("error" => "$source has no function '$name'", "names" => functions(defined))
        end
        target = Base.invokelatest(getfield, target, Symbol(part))
    end
    return loaded(target, source, "'$name'", start)
end

function loaded(target, source::String, name::String, start::UInt64)
    if !(target isa Union{Function, Type}) && isempty(methods(target))
        message = "$source: $name is a value of type $(typeof(target)), not a function"
        return Dict{String, Any}("error" => message, "names" => String[])
    end
    LOADED[] = target
    return Dict{String, Any}(
        "name" => target isa Union{Function, Type} ? string(nameof(target)) : "",
        "parameters" => argument_names(target),
        "keywords" => keyword_names(target),
        "any" => any(takes_any_keyword, methods(target)),
        "took_ns" => Int(time_ns() - start),
    )
end

"""The files that were included when the user's file was."""
const INCLUDED = String[]

"""Include the user's file, and note the files that it includes."""
function including(include)
    empty!(INCLUDED)
    note(_, path) = push!(INCLUDED, path)
    push!(Base.include_callbacks, note)
    try
        include()
    finally
        filter!(callback -> callback !== note, Base.include_callbacks)
    end
    return nothing
end

"""Names of the functions among these of `Main`, and of those in the modules among these: `Module.function`."""
function functions(symbols::Vector{Symbol})
    listed = String[]
    for symbol in symbols
        value = Base.invokelatest(getfield, Main, symbol)
        if value isa Module && value !== Main
            for inner in names(value; all = true)
                isdefined(value, inner) || continue
                is_named(inner) && getfield(value, inner) isa Function && push!(listed, "$symbol.$inner")
            end
        elseif value isa Function && is_named(symbol)
            push!(listed, String(symbol))
        end
    end
    return listed
end

is_named(symbol::Symbol) = !startswith(String(symbol), '#') && symbol ∉ (:eval, :include)

"""Names of the positional arguments, of the method that has the most."""
function argument_names(target)
    lists = [Base.method_argnames(method)[2:end] for method in methods(target)]
    isempty(lists) && return String[]
    return String.(argmax(length, lists))
end

"""Return the names of the keywords of all methods, without one that takes the others, `kws...`."""
function keyword_names(target)
    names = unique!(String[String(name) for method in methods(target) for name in Base.kwarg_decl(method)])
    return filter!(!endswith("..."), names)
end

takes_any_keyword(method::Method) = any(name -> endswith(String(name), "..."), Base.kwarg_decl(method))

# Errors

"""Frames of a trace that are looked at: a stack that overflows has tens of thousands."""
const MOST_LOOKED_AT = 100

"""Different frames of an exception that are shown."""
const MOST_FRAMES = 10

"""
    described(exception, trace) -> String

Return an exception in one line: its type, its message, and the user's frames from the innermost outwards.
"""
function described(exception, trace)
    while exception isa LoadError
        exception = exception.error
    end
    lines = split(Base.invokelatest(sprint, showerror, exception), '\n')
    kind = string(nameof(typeof(exception)))
    message = kind == "ParseError" ? fault_of_syntax(lines) : first(lines)
    text = startswith(message, kind) ? message : "$kind: $message"
    innermost = first(trace, MOST_LOOKED_AT)
    frames = unique!(String[short(frame) for frame in stacktrace(innermost) if of_the_user(frame)])
    return isempty(frames) ? text : "$text ($(join(first(frames, MOST_FRAMES), ", called at ")))"
end

"""Return what the parser says under the line of source that it shows, or its first line, without the mark before it."""
function fault_of_syntax(lines)
    marked = findfirst(line -> occursin("── ", line), lines)
    return marked === nothing ? join(lines, ' ') : last(split(lines[marked], "── "))
end

function of_the_user(frame::Base.StackTraces.StackFrame)
    file = String(frame.file)
    !isempty(CODE[]) && normpath(file) == CODE[] && return true
    isabspath(file) && isfile(file) && !startswith(file, HERE) || return false
    return !occursin("/packages/", file) && !startswith(file, Sys.BINDIR) && !occursin("/share/julia/", file)
end

function short(frame::Base.StackTraces.StackFrame)
    file = relpath(String(frame.file))
    name = String(frame.func)
    within = startswith(name, "top-level") || startswith(name, "macro") ? "" : " in $name"
    return "$(startswith(file, "..") ? String(frame.file) : file):$(frame.line)$within"
end

# Calls

"""
    call(arguments, twice) -> Dict

Call the function with fresh arguments: an outcome, and with `twice` that of another call, if it isn't the same, and the
threads and processes that this call used, for which everything is compiled.
"""
function call(arguments::Vector{UInt8}, twice::Bool)
    result = try
        outcome(arguments)
    catch exception
        exception isa Union{Lacking, Misfit} || rethrow()
        return Dict{String, Any}("unfit" => unfit(exception))
    end
    if twice
        used = Dict{String, Any}()
        second = outcome(arguments, used)
        encode(second) == encode(result) || (result["second"] = second)
        result["used"] = used
    end
    return result
end

"""Arguments that no method of a function takes, whatever they hold: too many, too few, or an unknown name."""
struct Misfit <: Exception
    reason::String
end

unfit(lacking::Lacking) = "needs $(lacking.package), which the project $(Base.active_project()) lacks"
unfit(misfit::Misfit) = "can't be called with the given input: $(misfit.reason)"

"""Throw a `Misfit` unless a method of the function takes this number of arguments and these keywords."""
function check_fit(target, count::Int, keywords)
    candidates = methods(target)
    isempty(candidates) && return
    takes(method) = method.isva ? count >= method.nargs - 2 : count == method.nargs - 1
    if !any(takes, candidates)
        numbers = join(sort!(unique!([arity(method) for method in candidates])), " or ")
        throw(Misfit("it takes $numbers, and the input has $(arguments_of(count))"))
    end
    for name in keywords
        any(method -> takes(method) && accepts(method, name), candidates) && continue
        throw(Misfit("it takes no keyword '$name'"))
    end
end

arguments_of(count) = count == 1 ? "1 argument" : "$count arguments"
arity(method) = method.isva ? "$(arguments_of(method.nargs - 2)) or more" : arguments_of(method.nargs - 1)

accepts(method::Method, keyword::Symbol) = keyword in Base.kwarg_decl(method) || takes_any_keyword(method)

"""What a call did; what it used is counted in `counts` unless that is `nothing`."""
function outcome(arguments::Vector{UInt8}, counts::Union{Nothing, Dict{String, Any}} = nothing)
    positional, keywords, names = take_arguments(IOBuffer(arguments))
    check_fit(LOADED[], length(positional), first.(keywords))
    values = Any[positional..., last.(keywords)...]
    before = Vector{UInt8}[encode(value) for value in values]
    result = Dict{String, Any}()
    try
        named = NamedTuple{Tuple(first.(keywords))}(Tuple(last.(keywords)))
        returned = census(() -> Base.invokelatest(LOADED[], positional...; named...), counts)
        result["result"] = Encoded(encode(returned))
    catch exception
        exception isa InterruptException && rethrow()
        result["raised"] = string(nameof(typeof(exception)))
        result["says"] = described(exception, catch_backtrace())
    end
    flush(stdout)
    changed = Dict{String, Any}()
    for index in eachindex(values)
        now = encode(values[index])
        now == before[index] || (changed[names[index]] = Encoded(now))
    end
    isempty(changed) || (result["changed"] = changed)
    return result
end

"""
    take_arguments(from) -> positional, keywords, names

Read the arguments of a call: values by position, pairs for keywords, and the names of all. A named argument that isn't a
keyword goes to the position that it has in the function's signature.
"""
function take_arguments(from::IO)
    entries = take_entries(from)
    positional = collect(Any, entries["positional"])
    signature, allowed = argument_names(LOADED[]), keyword_names(LOADED[])
    named, items = entries["named"]
    keywords, by_position = Pair{Symbol, Any}[], Pair{Int, Any}[]
    for (name, item) in zip(named, items)
        index = findfirst(==(name), signature)
        if name in allowed || index === nothing
            push!(keywords, Symbol(name) => item)
        else
            push!(by_position, index => item)
        end
    end
    append!(positional, last.(sort!(by_position; by = first)))
    names = String[index <= length(signature) ? signature[index] : "argument $index" for index in eachindex(positional)]
    return positional, keywords, append!(names, String.(first.(keywords)))
end

"""Read a mapping by its keys, each value as it is; values by name become two vectors."""
function take_entries(from::IO)
    entries = Dict{String, Any}()
    read(from, UInt8)
    for _ in 1:take_length(from)
        read(from, UInt8)
        key = take_text(from)
        if key == "named"
            read(from, UInt8)
            entries[key] = take_named(from)
        else
            entries[key] = take_value(from)
        end
    end
    return entries
end

"""A value that is bytes already."""
struct Encoded
    bytes::Vector{UInt8}
end

put_rare(out::IO, value::Encoded, ::Int) = (write(out, value.bytes); nothing)
