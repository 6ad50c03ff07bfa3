# SPDX-License-Identifier: Apache-2.0
"""Photoplethysmograms given to models of the electrocardiogram: one channel as one lead."""

from __future__ import annotations

import dataclasses

import numpy as np

from precordia.benchmarking.cohort import Cohort
from precordia.core.record import Record, Remark
from precordia.datasets.deepbeat import LEAD

#: the lead as which the channel is given, as in BenchECG
AS_LEAD = "II"
#: standard deviation that a piece gets; about that of an electrocardiogram
SPREAD_MV = 0.2


def pulse_cohort(cohort: Cohort) -> Cohort:
    """Return pulse waves as models of the electrocardiogram take them.

    Parameters
    ----------
    cohort
        Of ``deepbeat``.

    Returns
    -------
    The same records, of which the channel ``PPG`` stands as lead II with mean 0 and a standard
    deviation of 0.2 mV.

    Notes
    -----
    *Departure*: the publication gives a model the numbers of the file. They have no unit, and a
    model that depends on millivolts would answer to their size.
    """
    read = cohort.read
    remark = Remark(
        code="pulse-as-lead",
        text=f"the channel {LEAD} is given as lead {AS_LEAD}, mean 0, SD {SPREAD_MV:g} mV",
    )
    return dataclasses.replace(
        cohort, read=lambda k: _as_lead(read(k)), remarks=(*cohort.remarks, remark)
    )


def _as_lead(record: Record) -> Record:
    wave = record.signal[[record.leads.index(LEAD)]].astype(np.float64)
    mean, spread = np.nanmean(wave), np.nanstd(wave)
    scaled = (wave - mean) * (SPREAD_MV / spread if spread > 0 else 1.0)
    return dataclasses.replace(record, signal=scaled.astype(np.float32), leads=(AS_LEAD,))
