# What a series of times does: it is level, or changes. The functions are pure, and stand in
# `python/twinbench/worker/trend.py` in Python.

"""Fewest samples in which a change is looked for: with fewer, no order of them is rare enough."""
const LEAST_SAMPLES = 10

"""Most groups into which the samples of a look are divided."""
const GROUPS = 32

"""Probability of calling times that don't change changed, in one look."""
const CHANGE_P = 0.05

"""Least relative change of the times that keeps a warm-up going: 1 %."""
const CHANGE = 0.01

"""
    trend(times) -> String

Look for a change in the last half of the times, at least `LEAST_SAMPLES` of them, in either direction.

Medians of up to `GROUPS` groups are tested: a longer warm-up has longer groups, which spikes and slow waves of the
machine disturb less.
"""
function trend(times::AbstractVector{<:Real})
    length(times) < LEAST_SAMPLES && return "short"
    window = times[(end - max(length(times) ÷ 2, LEAST_SAMPLES) + 1):end]
    size = cld(length(window), GROUPS)
    groups = reverse([middle(window[(stop - size + 1):stop]) for stop in length(window):(-size):size])
    split = change_point(groups)
    split === nothing && return "settled"
    before, after = middle(groups[1:split]), middle(groups[(split + 1):end])
    abs(after - before) <= CHANGE * before && return "settled"
    return after > before ? "slower" : "faster"
end

"""
    samples_to_level(times) -> Int

Return after how many samples the times had the level of their last half, by groups of 1, 1, 2, 4, ... samples.

It is the end of the last group whose median is outside the middle three quarters of that half by `CHANGE` more.
"""
function samples_to_level(times::AbstractVector{<:Real})
    half = sort(times[(length(times) ÷ 2 + 1):end])
    rare = length(half) ÷ 8
    low, high = half[1 + rare] * (1 - CHANGE), half[end - rare] * (1 + CHANGE)
    level, start, stop = 0, 1, 1
    while stop <= length(times) ÷ 2
        low <= middle(times[start:stop]) <= high || (level = stop)
        start, stop = stop + 1, 2 * stop
    end
    return level
end

"""
    middle(values)

Return the median; of an even number of values, the higher of the two in the middle.
"""
middle(values) = sort(values)[length(values) ÷ 2 + 1]

"""
    change_point(values) -> Union{Int, Nothing}

Return the number of values before the level changes, or nothing: Pettitt (1979), two-sided at `CHANGE_P`.

Pettitt's limit is corrected for few values as Siegmund (1985) corrects maxima of random walks.
"""
function change_point(values::AbstractVector{<:Real})
    n = length(values)
    n < 2 && return nothing
    scores = cumsum([sum(sign(other - value) for other in values) for value in values])
    highest, split = findmax(abs, scores)
    height = highest + 0.5826 * n / sqrt(3)
    return 2 * exp(-6 * height^2 / (n^3 + n^2)) < CHANGE_P ? split : nothing
end
