using Statistics

right(x) = isempty(x) ? 0.0 : std(x; corrected = false)
wrong(x) = isempty(x) ? 0.0 : std(x)
