"""The figures that the harness has to reach, each measured against its peers in one run on one machine.

``python -m benchmarks.figures [NAME...]``. Absolute times differ from machine to machine; ratios taken side by side
don't.
"""
