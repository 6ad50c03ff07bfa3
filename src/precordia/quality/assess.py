# SPDX-License-Identifier: Apache-2.0
"""Assess whether a recording can be read, lead by lead, and why not."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
from jaxtyping import Float

from precordia.core.plausibility import amplitude_remarks, looks_normalised, scaled_one_by_one
from precordia.core.quality import LeadQuality, Quality, QualityReason
from precordia.core.record import Record, Remark
from precordia.core.source import Source
from precordia.quality.acceptability import each_as_worst, load_model, order_statistics
from precordia.quality.indices import compute_indices
from precordia.quality.joined_windows import Window, join_windows
from precordia.quality.lead_identities import contradicting_leads
from precordia.quality.lead_reversal import suspect_reversal
from precordia.quality.mains_level import measure_mains
from precordia.quality.reasons import ReasonSettings, lead_reasons
from precordia.quality.time_direction import suspect_reversed_time

_NORMALISED = (
    "Every lead has about zero mean and unit variance, as after a z-score: these are no "
    "millivolts, and amplitudes, ST levels and axes mean nothing. Read the original for them."
)
_FLOOR_MV = 0.004  # noise of a recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessSettings:
    """What decides in `assess`.

    Attributes
    ----------
    threshold
        Smallest score of an acceptable record; None takes the one chosen in training.
    window_s
        Length of the windows that a longer recording is cut into. The model saw 10 s.
    max_windows
        A longer recording is looked at in this many windows, evenly spread.
    min_duration_s
        Below this the record is too short to be accepted.
    limits
        Limits beyond which an index becomes a reason.
    """

    threshold: float | None = None
    window_s: float = 10.0
    max_windows: int = 60
    min_duration_s: float = 2.0
    limits: ReasonSettings = field(default_factory=ReasonSettings)


_DEFAULT = AssessSettings()


def assess(record: Record, *, settings: AssessSettings = _DEFAULT) -> Quality:
    """Assess whether a recording can be read.

    Parameters
    ----------
    record
        Any number of leads, any rate. Ten seconds of twelve leads are what the score was
        calibrated on; everything else is judged by the same indices.
    settings
        Threshold, windows and limits.

    Returns
    -------
    Quality: `score` estimates the probability that an expert calls the record acceptable; each
    lead has its own score, verdict, reasons and indices.

    Notes
    -----
    *Method.* Indices per lead (stillness, rails, noise floor, bursts, baseline, steps, band
    powers, kurtosis, likeness of beats, steepness at beats, prediction from the other leads) are
    ordered from the worst lead to the best and enter a monotone additive logistic model: a worse
    index never raises the score. A lead's score is the score of an otherwise clean recording
    whose four worst leads look like it. Indices in the model are relative to the typical lead, so
    gain does not matter; reasons use absolute limits. Scores are lowered where fewer than 40 % of
    the beats repeat (of the lead; of the best lead for the record), which the training data could
    not teach: noise can be clean in every other respect. Where no lead is much steeper at its beats
    than elsewhere, there are none, and nothing is usable: noise, ventricular fibrillation.
    Recordings longer than one and a half
    windows are cut into windows, whose scores are averaged. Training, data and scores are in
    `acceptability.toml`. Under a simulated record, which is perfectly still between its waves, the
    noise of a recorder (4 µV) is laid first: stillness is the mark of a dead electrode.

    References
    ----------
    Silva I, Moody GB, Celi L. Comput Cardiol 2011;38:273-276.
    Clifford GD et al. Physiol Meas 2012;33:1419-1433. doi:10.1088/0967-3334/33/9/1419
    Orphanidou C et al. IEEE J Biomed Health Inform 2015;19:832-838. doi:10.1109/JBHI.2014.2338351

    Examples
    --------
    >>> flat = Record(signal=np.zeros((1, 5000)), fs=500, leads=("II",))
    >>> quality = assess(flat)
    >>> quality.acceptable, quality.leads["II"].reasons[0].value
    (False, 'flat')
    """
    signal, fs = _with_floor(record), record.fs
    source = Source(
        method="assess:indices", version=load_model().version, parameters=_parameters(settings)
    )
    if record.n_leads == 0 or record.duration_s < 1.0 or record.n_samples < 25:
        return _too_short(record, source)
    finite = bool(np.isfinite(signal.sum()))
    windows = [
        _assess_window(signal[:, a:b], fs, record.leads, settings, finite)
        for a, b in _windows(record.n_samples, fs, settings)
    ]
    remarks, normalised = [], False
    held = np.isfinite(signal).any(axis=1) if not finite else np.ones(record.n_leads, bool)
    if held.any():
        seen, names = signal[held], tuple(np.array(record.leads)[held].tolist())
        normalised = looks_normalised(seen)
        if normalised:
            remarks = [Remark(code="normalised", text=_NORMALISED)]
        else:
            remarks = [*amplitude_remarks(seen, names), *contradicting_leads(seen, names)]
        if scaled := scaled_one_by_one(seen):
            text = f"Amplitudes and axes mean little: {scaled}."
            remarks.append(Remark(code="leads-scaled", text=text))
    return join_windows(
        record,
        windows,
        remarks,
        normalised=normalised,
        threshold=load_model().threshold if settings.threshold is None else settings.threshold,
        lead_threshold=settings.limits.lead_score,
        min_duration_s=settings.min_duration_s,
        source=source,
    )


def _with_floor(record: Record) -> np.ndarray:
    """Lay the noise of a recorder under the living leads of a simulated record."""
    if record.origin != "synthetic" or not record.signal.size:
        return record.signal
    noise = np.random.default_rng(0).normal(0.0, _FLOOR_MV, record.signal.shape)
    alive = record.signal.max(axis=1, keepdims=True) > record.signal.min(axis=1, keepdims=True)
    return (record.signal + alive * noise).astype(np.float32)


def _parameters(settings):
    changed = asdict(settings)
    limits = changed.pop("limits")
    return changed | limits if settings != _DEFAULT else {}


def _windows(n_samples, fs, settings):
    length = int(settings.window_s * fs)
    if n_samples <= 1.5 * length:
        return [(0, n_samples)]
    count = n_samples // length
    if count > settings.max_windows:
        starts = np.linspace(0, n_samples - length, settings.max_windows).astype(int)
    else:
        starts = np.arange(count) * length
    return [(int(a), int(a) + length) for a in starts]


def _assess_window(signal, fs, leads, settings, finite):
    missing = np.zeros(len(leads))
    if not finite:
        signal, missing = _fill(signal)
    found = compute_indices(signal, fs, leads)
    hz, mains_uv = measure_mains(signal, fs)
    model = load_model()
    score = float(model.probability(order_statistics(found)[None])[0])
    lead_score = model.probability(each_as_worst(found, model.clean))
    lead = found.lead | {"mains_uv": mains_uv, "missing_fraction": missing}
    window = found.window | {"mains_hz": hz}
    columns = {k: v.tolist() for k, v in lead.items()}
    columns["n_beats"] = [window["n_beats"]] * len(leads)
    reasons = tuple(
        lead_reasons({k: v[i] for k, v in columns.items()}, settings.limits)
        for i in range(len(leads))
    )
    # what runs backwards fits no order of the electrodes either
    remarks = suspect_reversed_time(found, leads) or suspect_reversal(found, leads)
    return Window(score, lead_score, lead, window, reasons, remarks)


def _fill(signal: Float[np.ndarray, "lead sample"]):
    """Bridge gaps by straight lines; a lead that is missing throughout becomes zero."""
    good = np.isfinite(signal)
    missing = 1.0 - good.mean(axis=1)
    filled = np.where(good, signal, np.float32(0.0))
    grid = np.arange(signal.shape[1])
    for k in np.flatnonzero((missing > 0) & (missing < 1)):
        filled[k] = np.interp(grid, grid[good[k]], signal[k, good[k]])
    return filled, missing


def _too_short(record, source):
    why = (QualityReason.TOO_SHORT,)
    if not record.n_leads:
        why = (QualityReason.NO_SIGNAL,)
    elif record.n_samples and not np.isfinite(record.signal).any():
        why = (QualityReason.TOO_SHORT, QualityReason.MISSING)
    return Quality(
        acceptable=False,
        score=0.0,
        reasons=why,
        leads={n: LeadQuality(usable=False, score=0.0, reasons=why) for n in record.leads},
        source=source,
    )
