"""Own functions of Python and Julia: whether they give the same answers to the same inputs."""
