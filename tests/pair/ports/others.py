"""Functions with the mistakes that ports make beside the classical ones: the right function, and what a port did."""

import math

import numpy as np


def rounded(x):
    return np.round(x, 2)


def rounded_half_up(x):
    return np.floor(x * 100 + 0.5) / 100


def above(x):
    return np.flatnonzero(x > 1)


def from_one_on(x):
    return np.flatnonzero(x >= 1)


def fields(text):
    return text.split(",")


def fields_without_empty_ones(text):
    return [field for field in text.split(",") if field]


def lower(text):
    return text.lower()


def lower_in_ascii(text):
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)


def ordered(words):
    return sorted(words)


def ordered_without_case(words):
    return sorted(words, key=str.lower)


def position(text, part):
    return text.find(part)


def position_in_bytes(text, part):
    return text.encode().find(part.encode())


def product(numbers):
    return math.prod(numbers)


def product_that_wraps(numbers):
    return int(np.prod(np.array(numbers, "int64")))


def descending(x):
    return np.argsort(-x, kind="stable")


def descending_reversed(x):
    return np.argsort(x, kind="stable")[::-1]


def transposed(z):
    return z.T


def transposed_and_conjugated(z):
    return z.conj().T


def quarter(x):
    return np.percentile(x, 25) if len(x) else np.nan


def quarter_without_interpolation(x):
    return np.sort(x)[max(math.ceil(len(x) / 4) - 1, 0)] if len(x) else np.nan


def difference(m):
    return np.diff(m, axis=0)


def difference_of_columns(m):
    return np.diff(m, axis=1)


def steps(count):
    return list(range(0, count, 2))


def steps_to_the_end(count):
    return list(range(0, count + 1, 2))


def seen(words):
    return list(dict.fromkeys(words))


def seen_sorted(words):
    return sorted(set(words))


def remainder(x, period):
    return np.mod(x, period)


def remainder_with_sign(x, period):
    return np.fmod(x, period)


def greatest(x):
    return max(float(np.max(x, initial=-np.inf)), -np.inf)


def greatest_that_skips_nan(x):
    return max((float(v) for v in x if not np.isnan(v)), default=-np.inf)


def gradient(x):
    return np.gradient(x) if len(x) > 1 else np.zeros(len(x))


def gradient_to_the_left(x):
    return np.diff(x, prepend=x[:1])


def all_positive(x):
    return bool(np.all(x > 0))


def any_positive(x):
    return bool(np.any(x > 0))


def added(m, row):
    return m + row


def added_to_columns(m, row):
    return m + row[:, None]
