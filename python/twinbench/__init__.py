"""twinbench: the same pipeline in Python and in Julia, proven equal, measured fairly.

Importing this package imports no framework and nothing heavy; a test holds that.
"""

__version__ = "0.1.0"
