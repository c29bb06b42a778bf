# The port of smooth.py.

function smooth(signal, width)
    half = width ÷ 2
    averages = similar(signal, float(eltype(signal)))
    for centre in eachindex(signal)
        window = max(centre - half, firstindex(signal)):min(centre + half, lastindex(signal))
        averages[centre] = sum(@view signal[window]) / length(window)
    end
    return averages
end

# A port with a mistake that ports often have: the window ends one sample early.
function smooth_short(signal, width)
    half = width ÷ 2
    averages = similar(signal, float(eltype(signal)))
    for centre in eachindex(signal)
        window = max(centre - half, firstindex(signal)):min(centre + half - 1, lastindex(signal))
        averages[centre] = isempty(window) ? signal[centre] : sum(@view signal[window]) / length(window)
    end
    return averages
end
