# SPDX-License-Identifier: Apache-2.0
"""Noise with the spectrum of a recording, and without its heart."""

from __future__ import annotations

import numpy as np

from precordia.core.record import Record
from precordia.generation.counterfeit import make_counterfeit
from precordia.signal.gaps import bridge_gaps


def with_random_phases(record: Record, *, seed: int = 0) -> Record:
    """Return noise that has the spectrum of a recording in every lead.

    Parameters
    ----------
    record
        The recording; it is left as it is.
    seed
        Of the phases.

    Returns
    -------
    The counterfeit. Means, spectra and the spectra between leads are those of the recording;
    missing samples stay missing.

    Notes
    -----
    *Method.* The phase-randomised surrogate of several series: every phase of the Fourier
    transform is turned by a random angle, the same one in all leads, so that what the leads have
    to do with each other (Einthoven's law too) stays. *Departures.* Gaps are bridged by straight
    lines before the transform.

    References
    ----------
    Prichard D, Theiler J. Phys Rev Lett 1994;73:951-954. doi:10.1103/PhysRevLett.73.951

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> record = simulate(seed=1)
    >>> noise = with_random_phases(record)
    >>> bool(np.isclose(noise.signal.std(), record.signal.std(), rtol=1e-3))
    True
    """
    n = record.n_samples
    if not record.signal.size:
        return make_counterfeit(record, record.signal, "noise of the same spectrum", seed=seed)
    whole, missing = bridge_gaps(record.signal)
    spectrum = np.fft.rfft(whole, axis=1)
    turns = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, spectrum.shape[1])
    turns[0] = 0.0  # the mean has no phase; nor has the highest of an even number of samples
    if n % 2 == 0:
        turns[-1] = 0.0
    noise = np.fft.irfft(spectrum * np.exp(1j * turns), n=n, axis=1)
    return make_counterfeit(
        record, np.where(missing, np.nan, noise), "noise of the same spectrum", seed=seed
    )
