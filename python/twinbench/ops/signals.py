"""The contracts of the signal ops, in three modules: filters, spectra, and features.

Conventions of every op here: `x` is float64 (records, samples), each record a signal of its own, and is never changed
in place; the op puts what it makes of it in its place and passes other arrays on as they are, unless it says otherwise.
Values are finite: never missing, NaN or infinite. There is at least one record, with at least one sample. In Julia
the same bytes are (samples, records).
"""

from __future__ import annotations

from twinbench.ops import signals_features, signals_filters, signals_spectra
from twinbench.ops.contract import Op

OPS: tuple[Op, ...] = (*signals_filters.OPS, *signals_spectra.OPS, *signals_features.OPS)
"""In the order in which every framework module holds them."""
