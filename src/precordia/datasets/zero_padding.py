# SPDX-License-Identifier: Apache-2.0
"""Take away zeros that fill a recording up to a length and were never recorded."""

from __future__ import annotations

import dataclasses

import numpy as np

from precordia.core.record import Record, Remark

#: fewer zeros than this in all leads at once may have been recorded
_SHORTEST_S = 0.025


def without_zero_padding(record: Record) -> Record:
    """Return the record without the samples at its ends at which every lead is exactly zero.

    Parameters
    ----------
    record
        A recording of a database that fills up with zeros.

    Returns
    -------
    The shorter record with a remark, or the same where there is nothing to take away. A record
    of zeros alone stays as it is.

    Examples
    --------
    >>> signal = np.zeros((2, 4096))
    >>> signal[:, 648:3448] = 1
    >>> without_zero_padding(Record(signal=signal, fs=400, leads=("I", "II"))).n_samples
    2800
    """
    there = np.flatnonzero((record.signal != 0).any(axis=0))
    if not there.size:
        return record
    shortest = round(_SHORTEST_S * record.fs)
    begin, end = int(there[0]), int(there[-1]) + 1
    begin = begin if begin >= shortest else 0
    end = end if record.n_samples - end >= shortest else record.n_samples
    removed = begin + record.n_samples - end
    if not removed:
        return record
    remark = Remark(
        code="padding-removed",
        text=f"{begin} samples at the beginning and {record.n_samples - end} at the end held zeros "
        "in every lead, which the database fills up with; they are left out.",
    )
    return dataclasses.replace(
        record, signal=record.signal[:, begin:end], remarks=(*record.remarks, remark)
    )
