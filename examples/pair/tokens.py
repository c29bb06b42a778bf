"""Count the words of a text."""

import re


def count_words(text: str) -> dict[str, int]:
    """Count words regardless of case; a word is a run of letters, digits, underscores and inner apostrophes."""
    counts: dict[str, int] = {}
    for word in re.findall(r"\w+(?:'\w+)*", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    return counts
