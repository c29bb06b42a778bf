"""The signal ops: filtering, convolving, spectra, and features of recordings.

Conventions of every op here: `x` is float64 (records, samples), each record a signal of its own, and is never changed
in place. The output has the result of the op as `x`, and the other arrays of the input unchanged, unless the op says
otherwise. Values are finite: never missing, NaN or infinite. There is at least one record, with at least one sample. A
record is silent, or its largest magnitude lies between 1e-100 and 1e100. In Julia the same bytes are (samples,
records).

What agrees is measured against what float64 can know: an output may be off by 1e-9 of itself, or by 1,024 roundings
of float64 (128 for Butterworth filters) in a unit that each op states, and which is proportional to the records.
"""

from __future__ import annotations

from twinbench.ops.contract import Op
from twinbench.ops.signals.butterworth import (
    BUTTERWORTH_DESIGN,
    BUTTERWORTH_FILTER,
    ZERO_PHASE,
    Butterworth,
    ButterworthDesign,
)
from twinbench.ops.signals.convolution import FFT_CONVOLVE, RESAMPLE, Convolve, Resample
from twinbench.ops.signals.features import (
    BLOCKS,
    EPS,
    MFCC,
    ROLLOFF,
    SHORT_TERM_FEATURES,
    SUMMARISE,
    Mfcc,
    ShortTerm,
    Summarise,
)
from twinbench.ops.signals.filters import FIR_DESIGN, FIR_FILTER, Band, Fir
from twinbench.ops.signals.spectra import (
    AUTOCORRELATION,
    ENVELOPE,
    FIND_PEAKS,
    SPECTROGRAM,
    STFT,
    WELCH,
    Autocorrelation,
    Envelope,
    FindPeaks,
    Frames,
)
from twinbench.ops.signals.wav import READ_WAV, ReadWav

__all__ = [
    "BLOCKS",
    "EPS",
    "OPS",
    "ROLLOFF",
    "Autocorrelation",
    "Band",
    "Butterworth",
    "ButterworthDesign",
    "Convolve",
    "Envelope",
    "FindPeaks",
    "Fir",
    "Frames",
    "Mfcc",
    "ReadWav",
    "Resample",
    "ShortTerm",
    "Summarise",
]

OPS: tuple[Op, ...] = (
    FIR_DESIGN,
    FIR_FILTER,
    BUTTERWORTH_DESIGN,
    BUTTERWORTH_FILTER,
    ZERO_PHASE,
    FFT_CONVOLVE,
    RESAMPLE,
    WELCH,
    STFT,
    SPECTROGRAM,
    ENVELOPE,
    AUTOCORRELATION,
    FIND_PEAKS,
    READ_WAV,
    SHORT_TERM_FEATURES,
    MFCC,
    SUMMARISE,
)
"""In the order in which every framework module holds them."""

FORMULAS: tuple[str, ...] = (
    "BLOCKS",
    "EPS",
    "ROLLOFF",
)
"""Names of what the contracts state besides the parameters, which a framework under test may import, too."""
