def start(text, count):
    return text[:count]
