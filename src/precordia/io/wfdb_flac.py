# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH119
"""FLAC signal files of WFDB, formats 508, 516 and 524, read and written through libsndfile."""

from __future__ import annotations

import os

import numpy as np
from jaxtyping import Int

from precordia.core.errors import FormatError, MissingExtraError

#: libsndfile's name of the sample width of each format
_SUBTYPE = {8: "PCM_S8", 16: "PCM_16", 24: "PCM_24"}
#: a FLAC frame has at least ten bytes and at most 65,535 samples of each channel
_MOST_SAMPLES_PER_BYTE = 6554


def _soundfile():
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise MissingExtraError(
            "WFDB formats 508, 516 and 524 are FLAC files and need soundfile. Install it with: "
            'pip install "precordia[flac]"'
        ) from error
    return soundfile


class FlacFile:
    """One FLAC file of a WFDB record, checked on opening and decoded in parts.

    Parameters
    ----------
    path
        The file.
    n_channels, bits
        What the header says of it.
    n_bytes
        Its size.

    Raises
    ------
    FormatError
        If it is not FLAC, or not of that shape.
    MissingExtraError
        If soundfile is not installed.
    """

    __slots__ = ("_dtype", "_file", "_shift", "n_samples", "name")

    def __init__(self, path: str, n_channels: int, bits: int, n_bytes: int) -> None:
        soundfile = _soundfile()
        self.name = os.path.basename(path)
        try:
            self._file = soundfile.SoundFile(path)
        except (RuntimeError, OSError, TypeError, ValueError) as error:
            raise FormatError(
                f"'{self.name}' is not a FLAC file though the header says so; it is damaged or of "
                "another format. Fetch it again."
            ) from error
        if (
            self._file.format != "FLAC"
            or self._file.channels != n_channels
            or self._file.subtype != _SUBTYPE[bits]
        ):
            raise FormatError(
                f"'{self.name}' is {self._file.format} with {self._file.channels} channels of "
                f"{self._file.subtype}; the header needs FLAC with {n_channels} channels of "
                f"{_SUBTYPE[bits]}. Correct the header, or fetch the right file."
            )
        self.n_samples = int(self._file.frames)
        if self.n_samples > n_bytes * _MOST_SAMPLES_PER_BYTE:
            raise FormatError(
                f"'{self.name}' claims {self.n_samples} samples in {n_bytes} bytes, which no FLAC "
                "file can hold. Fetch it again."
            )
        self._dtype = "int32" if bits == 24 else "int16"
        self._shift = {8: 8, 16: 0, 24: 8}[bits]  # libsndfile fills words from the top

    def samples(self, start: int, stop: int) -> Int[np.ndarray, "sample lead"]:
        """Decode samples ``start`` to ``stop`` of every channel."""
        try:
            if self._file.tell() != start:
                self._file.seek(start)
            block = self._file.read(stop - start, dtype=self._dtype, always_2d=True)
        except (RuntimeError, OSError, ValueError) as error:
            raise self._damaged() from error
        if block.shape[0] != stop - start:
            raise self._damaged()
        return block >> self._shift if self._shift else block

    def _damaged(self) -> FormatError:
        return FormatError(
            f"the FLAC file '{self.name}' ends or breaks before the samples its header declares. "
            "Fetch it again."
        )


def encode_flac(path: str, samples: Int[np.ndarray, "sample lead"], bits: int, fs: float) -> None:
    """Write one FLAC file of up to eight channels.

    Parameters
    ----------
    path
        The file; it is overwritten.
    samples
        Integers within ``bits``.
    bits
        8, 16 or 24.
    fs
        Sampling rate; FLAC stores whole hertz from 1 to 655,350 and WFDB ignores them.
    """
    soundfile = _soundfile()
    dtype = np.int32 if bits == 24 else np.int16
    words = samples.astype(dtype) << {8: 8, 16: 0, 24: 8}[bits]
    rate = int(min(max(round(fs), 1), 655_350))
    soundfile.write(path, words, rate, format="FLAC", subtype=_SUBTYPE[bits])
