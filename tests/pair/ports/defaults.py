def distinct(items):
    return list(dict.fromkeys(items))


def right(items, seen=None):
    seen = [] if seen is None else seen
    seen.extend(item for item in dict.fromkeys(items) if item not in seen)
    return list(seen)


def wrong(items, seen=[]):  # noqa: B006  the mistake
    seen.extend(item for item in dict.fromkeys(items) if item not in seen)
    return list(seen)
