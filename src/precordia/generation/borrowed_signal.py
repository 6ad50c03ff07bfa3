# SPDX-License-Identifier: Apache-2.0
"""Another patient's signal under this patient's name."""

from __future__ import annotations

from precordia.core.record import NOTHING_CARRIED, Patient, Record
from precordia.generation.counterfeit import make_counterfeit


def with_signal_of(record: Record, other: Record) -> Record:
    """Return another recording's signal under everything that this one's file says.

    Parameters
    ----------
    record
        Whose name, age, sex and file it is; it is left as it is.
    other
        Whose signal it is.

    Returns
    -------
    The counterfeit. An answer about it has to be that of `unnamed` of the same two.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> made = with_signal_of(simulate("sinus"), simulate("atrial-fibrillation"))
    >>> [s.code for s in made.carried.statements], made.origin
    (['NORM', 'SR'], 'synthetic')
    """
    return make_counterfeit(
        record, other.signal, "another patient's signal", leads=other.leads, fs=other.fs
    )


def unnamed(record: Record, other: Record) -> Record:
    """Return another recording's signal with this patient's age and sex, and nothing else said.

    Parameters
    ----------
    record
        Whose age and sex it is, since normal limits depend on them.
    other
        Whose signal it is.

    Returns
    -------
    The recording that tells how the other patient's signal is answered by itself.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> unnamed(simulate("sinus"), simulate("atrial-fibrillation")).carried.statements
    ()
    """
    person = Patient(age_years=record.patient.age_years, sex=record.patient.sex)
    bare = Record(
        signal=other.signal,
        fs=other.fs,
        leads=other.leads,
        patient=person,
        carried=NOTHING_CARRIED,
        origin=other.origin,
    )
    return make_counterfeit(bare, other.signal, "another patient's signal, unnamed")
