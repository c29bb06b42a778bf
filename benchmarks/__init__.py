"""The asv suite (``bench_*.py``), and the figures that the harness itself has to reach (``figures/``)."""
