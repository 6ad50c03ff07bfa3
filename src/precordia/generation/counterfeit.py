# SPDX-License-Identifier: Apache-2.0
"""A counterfeit: a record whose signal is no longer what its file says that it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

import precordia
from precordia.core.record import Record
from precordia.core.source import Source

METHOD = "counterfeit:"


def make_counterfeit(
    record: Record,
    signal: Float[np.ndarray, "lead sample"],
    kind: str,
    *,
    leads: tuple[str, ...] | None = None,
    fs: float | None = None,
    **parameters: Any,
) -> Record:
    """Put another signal under everything that a file says of a recording.

    Parameters
    ----------
    record
        What is counterfeited; it is left as it is.
    signal
        The other signal, mV.
    kind
        What was done, such as ``"flat line"``.
    leads, fs
        Of the other signal, where they differ.
    **parameters
        What has to be known to do it again.

    Returns
    -------
    A record marked ``"synthetic"``, whose source says what was done. Patient, time and what the
    file carries in words and numbers stay: whoever answers from those is to be found out.
    Annotations, wave boundaries, the file's median beat and other signals on the same clock go,
    since they tell of the signal that was there.

    Examples
    --------
    >>> record = Record(signal=np.ones((1, 500)), fs=500, leads=("II",))
    >>> made = make_counterfeit(record, np.zeros((1, 500)), "flat line")
    >>> made.origin, made.source.method
    ('synthetic', 'counterfeit:flat line')
    """
    carried = replace(record.carried, annotations=None, fiducials=None, median=None)
    return replace(
        record,
        signal=np.asarray(signal, np.float32),
        leads=record.leads if leads is None else leads,
        fs=record.fs if fs is None else fs,
        origin="synthetic",
        carried=carried,
        companions=(),
        source=Source(
            method=METHOD + kind,
            version=precordia.__version__,
            parameters=parameters,
            warnings=("made to find out whether an answer rests on the recording",),
        ),
    )
