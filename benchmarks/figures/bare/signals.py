"""Bare calls for the steps of ``signal-ops``, as somebody would type them who has just this one recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.figures.alternate import Direct

PIPELINE = "signal-ops"
SIZE = "10s"

RATE = 48_000
BAND = (300, 3_400)


def scipy_fir_filter(arrays: Any) -> Any:
    from scipy import signal

    return {"x": signal.lfilter(signal.firwin(101, 4_000, fs=RATE), 1.0, arrays["x"])}


def scipy_butterworth_filter(arrays: Any) -> Any:
    from scipy import signal

    return {"x": signal.sosfilt(signal.butter(4, BAND, "bandpass", fs=RATE, output="sos"), arrays["x"])}


def scipy_zero_phase(arrays: Any) -> Any:
    from scipy import signal

    return {"x": signal.sosfiltfilt(signal.butter(4, 4_000, fs=RATE, output="sos"), arrays["x"], padlen=12)}


def scipy_fft_convolve(arrays: Any, given: Any) -> Any:
    from scipy import signal

    return {"x": signal.oaconvolve(arrays["x"], given["kernel"][None], axes=1)}


def scipy_resample(arrays: Any, given: Any) -> Any:
    from scipy import signal

    return {"x": signal.resample_poly(arrays["x"], 147, 160, axis=1, window=given["taps"])}


def scipy_welch(arrays: Any) -> Any:
    from scipy import signal

    return {"x": signal.welch(arrays["x"], RATE, nperseg=4_096, detrend=False)[1]}


def scipy_stft(arrays: Any) -> Any:
    from scipy import signal

    x = signal.stft(arrays["x"], RATE, nperseg=1_024, boundary=None, padded=False)[2] * 512
    return {"x": x.swapaxes(1, 2)}


def scipy_spectrogram(arrays: Any) -> Any:
    from scipy import signal

    x = signal.spectrogram(arrays["x"], RATE, "hann", 1_024, 512, detrend=False)[2]
    return {"x": x.swapaxes(1, 2)}


def scipy_envelope(arrays: Any) -> Any:
    import numpy as np
    from scipy import signal

    return {"x": np.abs(signal.hilbert(arrays["x"]))}


def scipy_find_peaks(arrays: Any) -> Any:
    from scipy import signal

    return {"position": signal.find_peaks(arrays["x"][0], distance=480, prominence=2.5)[0]}


def numpy_fir_filter(arrays: Any) -> Any:
    import numpy as np

    x, m = arrays["x"][0], np.arange(-50, 51)
    taps = np.sinc(m / 6) * np.hamming(101)
    return {"x": np.convolve(x, taps / taps.sum())[: len(x)][None]}


def numpy_stft(arrays: Any) -> Any:
    import numpy as np

    frames = np.lib.stride_tricks.sliding_window_view(arrays["x"], 1_024, axis=1)[:, ::512]
    return {"x": np.fft.rfft(frames * np.hanning(1_025)[:-1])}


def torch_stft(arrays: Any) -> Any:
    import torch

    window = torch.hann_window(1_024, dtype=torch.float64)
    x = torch.stft(arrays["x"], 1_024, 512, window=window, center=False, return_complex=True)
    return {"x": x.mT}


def pyaudioanalysis_short_term_features(arrays: Any) -> Any:
    import numpy as np
    from pyAudioAnalysis import ShortTermFeatures as short
    from scipy.fftpack import fft

    x, rows = arrays["x"][0], []
    for start in range(0, len(x) - 1_199, 480):
        frame = x[start : start + 1_200]
        spectrum = abs(fft(frame))[:600] / 600
        shape = short.spectral_centroid_spread(spectrum, 2.0)
        entropy, rolloff = short.spectral_entropy(spectrum), short.spectral_rolloff(spectrum, 0.9)
        rows.append([short.zero_crossing_rate(frame), short.energy(frame), *shape, entropy, rolloff])
    return {"x": np.array([rows])}


JULIA_FILTERS = {
    "fir_filter": """
        import DSP
        (_, a) -> (; x = DSP.filt(
            DSP.digitalfilter(DSP.Lowpass(4_000), DSP.FIRWindow(DSP.hamming(101)); fs = 48_000), a.x
        ))
    """,
    "butterworth_filter": """
        import DSP
        (_, a) -> (; x = DSP.filt(DSP.digitalfilter(DSP.Bandpass(300, 3_400), DSP.Butterworth(4); fs = 48_000), a.x))
    """,
    "zero_phase": """
        import DSP
        (_, a) -> (; x = DSP.filtfilt(DSP.digitalfilter(DSP.Lowpass(4_000), DSP.Butterworth(4); fs = 48_000), a.x))
    """,
    "resample": """
        import DSP
        (_, a, given) -> (; x = DSP.resample(a.x, 147 // 160, 147 .* given.taps; dims = 1))
    """,
}

DSP_JL = {
    **JULIA_FILTERS,
    "fft_convolve": """
        import DSP
        (_, a, given) -> (; x = reshape(DSP.conv(vec(a.x), given.kernel), :, 1))
    """,
    "welch": """
        import DSP
        (_, a) -> (; x = reshape(DSP.power(DSP.welch_pgram(
            vec(a.x), 4_096, 2_048; fs = 48_000, window = DSP.hanning(4_097)[1:4_096]
        )), :, 1))
    """,
    "stft": """
        import DSP
        (_, a) -> (; x = reshape(DSP.stft(vec(a.x), 1_024, 512; window = DSP.hanning(1_025)[1:1_024]), 513, :, 1))
    """,
    "spectrogram": """
        import DSP
        (_, a) -> (; x = reshape(DSP.power(DSP.spectrogram(
            vec(a.x), 1_024, 512; fs = 48_000, window = DSP.hanning(1_025)[1:1_024]
        )), 513, :, 1))
    """,
    "envelope": """
        import DSP
        (_, a) -> (; x = abs.(DSP.hilbert(a.x)))
    """,
}

SIGNALANALYSIS_JL = {
    "zero_phase": """
        import SignalAnalysis
        using SignalAnalysis: DSP, samples, sfiltfilt, signal
        (_, a) -> (; x = samples(sfiltfilt(
            DSP.digitalfilter(DSP.Lowpass(4_000), DSP.Butterworth(4); fs = 48_000), signal(a.x, 48_000)
        )))
    """,
    "spectrogram": """
        import SignalAnalysis
        using SignalAnalysis: DSP, Spectrogram, signal, tfd
        (_, a) -> (; x = reshape(tfd(
            signal(vec(a.x), 48_000),
            Spectrogram(; nfft = 1_024, noverlap = 512, window = DSP.hanning(1_025)[1:1_024])
        ).power, 513, :, 1))
    """,
    "envelope": """
        import SignalAnalysis
        (_, a) -> (; x = sqrt(2) .* abs.(SignalAnalysis.analytic(a.x)))
    """,
}

MFCC_JL = {
    "mfcc": """
        import MFCC
        (_, a) -> (; x = reshape(MFCC.mfcc(
            vec(a.x), 48_000.0; wintime = 0.025, steptime = 0.01, numcep = 13, nbands = 40, preemph = 0, lifterexp = 0,
            dcttype = 2, dither = true, sumpower = true,
        )[1], 13, :, 1))
    """,
}

CALLS: Mapping[str, Mapping[str, Direct]] = {
    "SciPy": {
        "fir_filter": scipy_fir_filter,
        "butterworth_filter": scipy_butterworth_filter,
        "zero_phase": scipy_zero_phase,
        "fft_convolve": scipy_fft_convolve,
        "resample": scipy_resample,
        "welch": scipy_welch,
        "stft": scipy_stft,
        "spectrogram": scipy_spectrogram,
        "envelope": scipy_envelope,
        "find_peaks": scipy_find_peaks,
    },
    "NumPy": {"fir_filter": numpy_fir_filter, "stft": numpy_stft},
    "torch": {"stft": torch_stft},
    "pyAudioAnalysis": {"short_term_features": pyaudioanalysis_short_term_features},
    "DSP.jl": DSP_JL,
    "SignalAnalysis.jl": SIGNALANALYSIS_JL,
    "MFCC.jl": MFCC_JL,
}
