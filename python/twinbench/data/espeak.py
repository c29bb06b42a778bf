"""Speak texts with espeak-ng's library, in a process of its own, so that the harness never loads the library.

The arguments are the paths of the library and of its data; the standard input holds texts with their voices as JSON.
The output is 32-bit lengths and 16-bit samples, both little-endian. This file imports nothing of twinbench.

A text's samples depend slightly on the texts before it, so a text sounds the same only after the same texts.
"""

from __future__ import annotations

import ctypes
import json
import struct
import sys
from typing import Any

RETRIEVAL, UTF_8, RATE, PITCH = 1, 1, 1, 3
"""Constants AUDIO_OUTPUT_RETRIEVAL, espeakCHARS_UTF8, espeakRATE and espeakPITCH of ``speak_lib.h``."""


def main(library: str, data: str) -> None:
    """Speak every text on the standard input."""
    espeak = ctypes.CDLL(library)
    samples = bytearray()

    def hear(sound: int | None, count: int, events: Any) -> int:
        if sound and count > 0:
            samples.extend(ctypes.string_at(sound, 2 * count))
        return 0

    rate = espeak.espeak_Initialize(RETRIEVAL, 0, data.encode(), 0)
    if rate <= 0:
        raise SystemExit(f"espeak-ng can't start with {data}")
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(hear)
    espeak.espeak_SetSynthCallback(callback)
    for text, voice, speed, pitch in json.load(sys.stdin):
        samples.clear()
        if espeak.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SystemExit(f"espeak-ng has no voice {voice}")
        espeak.espeak_SetParameter(RATE, speed, 0)
        espeak.espeak_SetParameter(PITCH, pitch, 0)
        encoded = text.encode()
        if espeak.espeak_Synth(encoded, ctypes.c_size_t(len(encoded) + 1), 0, 0, 0, UTF_8, None, None) != 0:
            raise SystemExit(f"espeak-ng can't say {text!r}")
        espeak.espeak_Synchronize()
        sys.stdout.buffer.write(struct.pack("<I", len(samples)) + samples)


if __name__ == "__main__":
    main(*sys.argv[1:])
