# SPDX-License-Identifier: Apache-2.0
"""Turn any recording into what a model takes, or say why that cannot be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from precordia.core.errors import SamplingRateError, SignalError
from precordia.core.input_filters import Butterworth, Fir, Notch, RunningMedian
from precordia.core.input_scaling import (
    Clip,
    MaxAbs,
    MinMax,
    RemoveMean,
    Robust,
    Scale,
    Standardise,
    ZScore,
)
from precordia.core.input_spec import InputSpec
from precordia.core.input_step import Step
from precordia.core.input_steps import Decimate, FillGaps, Resample, Window
from precordia.core.prepared import Prepared
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.embedding import input_filtering, normalisation
from precordia.embedding.gap_filling import fill_gaps
from precordia.embedding.lead_choice import ChosenLeads, choose_leads
from precordia.embedding.passage import Passage, model_name, refuse_gaps
from precordia.embedding.rate_change import change_rate, divide_rate
from precordia.embedding.scale_check import scale_doubts
from precordia.embedding.window_choice import cut

_DO: dict[type[Step], Callable] = {
    FillGaps: fill_gaps,
    Resample: change_rate,
    Decimate: divide_rate,
    Butterworth: input_filtering.filter_butterworth,
    Fir: input_filtering.filter_fir,
    Notch: input_filtering.filter_notch,
    RunningMedian: input_filtering.subtract_running_median,
    RemoveMean: normalisation.remove_mean,
    Scale: normalisation.scale,
    Clip: normalisation.clip,
    ZScore: normalisation.z_score,
    Robust: normalisation.robust_score,
    MaxAbs: normalisation.divide_by_largest,
    MinMax: normalisation.stretch_between,
    Standardise: normalisation.standardise,
    Window: cut,
}


def prepare(
    record: Record, spec: InputSpec, *, lead: str | None = None, trust_scale: bool = False
) -> Prepared:
    """Turn a recording into windows that a model takes.

    Parameters
    ----------
    record
        The recording, at any rate, of any length, with its leads in any order.
    spec
        What the model takes.
    lead
        Which lead to give a model that takes one lead of any name.
    trust_scale
        Take a signal that looks normalised, or far from millivolts, nevertheless; the doubt is
        then a warning of the result's source.

    Returns
    -------
    The windows, which samples each of them covers, and what was done.

    Raises
    ------
    LeadError
        If leads are absent and the spec does not allow it.
    SamplingRateError
        If the recording's rate is not the model's and the spec has no step that changes it, is
        lower than the spec allows, or too low for one of its filters.
    SignalError
        If samples are missing and the spec does not fill them, or the recording is too short.
    UnitError
        If the result depends on millivolts and the signal has lost them.
    OptionError
        If a lead is named for a model that takes certain ones.

    Notes
    -----
    Leads come first: they are picked by name, limb leads computed where two others are there, and
    converted to the unit of the spec. Then every step follows in its order, in float64, on all of
    the recording before the window step and on every window after it.

    Examples
    --------
    >>> from precordia.core.input_steps import Resample, Window, ZScore
    >>> spec = InputSpec(
    ...     leads=("II", "III"), fs=250, seconds=2, steps=(Resample(), Window(), ZScore())
    ... )
    >>> wave = np.sin(np.arange(1500) / 30)
    >>> record = Record(signal=np.stack([wave, wave**2]), fs=500, leads=("I", "II"))
    >>> prepared = prepare(record, spec)
    >>> prepared, prepared.derived, prepared.covers.tolist()
    (Prepared(1 window of 2 leads and 500 samples at 250 Hz), ('III',), [[0, 1000]])
    """
    if not record.n_samples:
        raise SignalError(
            f"{model_name(spec)} needs {spec.seconds:g} s; this record has no sample. Take a "
            "longer recording."
        )
    chosen = choose_leads(record, spec, lead=lead)
    doubts = scale_doubts(record, spec, trust_scale=trust_scale)
    _check_rate(record, spec)
    passage = Passage(
        signal=chosen.signal,
        fs=record.fs,
        record_fs=record.fs,
        n_recorded=record.n_samples,
        spec=spec,
        rows=chosen.rows,
        done=_about_leads(record, spec, chosen),
    )
    with np.errstate(over="ignore", invalid="ignore"):  # told by what comes out
        for step in spec.steps:
            _DO[type(step)](step, passage)
        refuse_gaps(passage, "in its windows")
        windows = _all_rows(passage, len(chosen.leads))
    assert passage.covers is not None
    assert passage.recorded is not None
    return Prepared(
        windows=windows,
        fs=spec.fs,
        leads=chosen.leads,
        covers=passage.covers,
        recorded=passage.recorded,
        filled=_filled(record, chosen, passage.covers),
        derived=chosen.derived,
        absent=chosen.absent,
        steps=tuple(passage.done),
        spec=spec,
        source=Source(
            method="prepare",
            version="1",
            parameters={
                "spec": spec.fingerprint,
                "of": record.source.method,
                "origin": record.origin,
                "from_fs": record.fs,
            },
            warnings=doubts,
        ),
    )


def _check_rate(record: Record, spec: InputSpec) -> None:
    changes = any(isinstance(step, (Resample, Decimate)) for step in spec.steps)
    if not changes and abs(record.fs - spec.fs) > 1e-9 * spec.fs:
        raise SamplingRateError(
            f"{model_name(spec)} needs {spec.fs:g} Hz and its steps do not resample; this record "
            f"has {record.fs:g} Hz. Use resample_record(record, fs={spec.fs:g}), or add a "
            "'resample' step."
        )


def _about_leads(record: Record, spec: InputSpec, chosen: ChosenLeads) -> list[str]:
    done = []
    if chosen.derived:
        done.append(f"{', '.join(chosen.derived)} computed from the other limb leads")
    if chosen.absent:
        done.append(f"{', '.join(chosen.absent)} absent, given as zero")
    if chosen.leads != record.leads:
        done.append(f"leads in the order {', '.join(chosen.leads)}")
    if spec.unit != "mV":
        done.append(f"converted to {spec.unit}")
    return done


def _all_rows(passage: Passage, n_leads: int) -> Float[np.ndarray, "window lead sample"]:
    """Return float32 windows with absent leads as rows of zeros."""
    signal, spec = passage.signal, passage.spec
    if signal.shape[-1] != spec.n_samples:
        raise SignalError(
            f"the steps lead to {signal.shape[-1]} samples; {model_name(spec)} needs "
            f"{spec.n_samples}. Put the 'window' step after the last change of the rate."
        )
    if len(passage.rows) == n_leads:
        windows = signal.astype(np.float32)
    else:
        windows = np.zeros((signal.shape[0], n_leads, spec.n_samples), np.float32)
        windows[:, list(passage.rows)] = signal
    if not np.isfinite(windows).all():
        raise SignalError(
            f"the values became too large for float32 on their way to {model_name(spec)}. Check "
            "the unit of the recording and the numbers of the spec."
        )
    return windows


def _filled(
    record: Record, chosen: ChosenLeads, covers: np.ndarray
) -> Float[np.ndarray, "window lead"]:
    """Return which part of the covered samples was missing, for each window and lead."""
    part = np.zeros((covers.shape[0], len(chosen.leads)))
    part[:, [name in chosen.absent for name in chosen.leads]] = 1.0
    missing = chosen.missing
    if missing is None:
        return part
    count = np.pad(np.cumsum(missing, axis=1), ((0, 0), (1, 0)))
    length = np.maximum(covers[:, 1] - covers[:, 0], 1)
    share = (count[:, covers[:, 1]] - count[:, covers[:, 0]]) / length
    present = [k for k in chosen.rows if chosen.leads[k] not in chosen.absent]
    rows = [chosen.rows.index(k) for k in present]
    part[:, present] = share[rows].T
    return part
