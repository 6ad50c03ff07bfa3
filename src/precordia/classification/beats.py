# SPDX-License-Identifier: Apache-2.0
"""Which class each beat of a record belongs to, by networks that know the patient's own beats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

import precordia
from precordia.classification import beat_shape
from precordia.classification.beat_aberrancy import aberrant_beats, as_premature
from precordia.classification.beat_agreement import agree_in_families
from precordia.classification.beat_alignment import align_beats
from precordia.classification.beat_cuts import cut_beats
from precordia.classification.beat_families import Families, no_families
from precordia.classification.beat_fibrillation import in_fibrillation, without_premature
from precordia.classification.beat_network import beat_weights, judge_beats
from precordia.classification.beat_timing import NO_INTERVAL_S, intervals_s, timing_features
from precordia.core.beats import JUDGED, Beats
from precordia.core.errors import OptionError
from precordia.core.fiducials import empty_waves
from precordia.core.measurements import Absence
from precordia.core.record import NOTHING_CARRIED, Annotations, Record
from precordia.core.source import Source
from precordia.delineation.delineate import delineate
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.embedding.excerpts import useful_leads
from precordia.measurement.pacing import paced_beats

FEWEST_BEATS = 4
#: so many beats share their templates; a patient's beats change over hours
BLOCK = 3600
NO_LEADS = "no lead shows beats"
FEW_BEATS = f"needs at least {FEWEST_BEATS} beats"
MISSING = "most of the beat is missing"
PACED = "paced"
CUT = "cut by an end of the recording"
_MOST_MISSING = 0.5
#: what of a beat must be recorded to know its shape, s before and after R
_BEFORE_S, _AFTER_S = 0.12, 0.14
#: where a QRS complex may begin, ms before its R-peak; nearer, a narrow R wave passes for a spike,
#: and peaks that others placed may lie beside it
_ONSETS_MS, _ONSETS_OF_GIVEN_MS = (40.0, 95.0), (45.0, 105.0)
#: the QRS that begins so late has its spike where the R-peak is
_AT_PEAK_MS = 20.0
#: of a recording in which spikes are looked for by delineation
_EXCERPT_S = 30.0
#: R-peaks of two methods that are of one beat are not farther apart
_SAME_BEAT_S = 0.15
#: a longer gap may hide a beat
_LONGEST_GAP_S = 0.2
Progress = Callable[[int, int], None]


def classify_beats(
    record: Record,
    *,
    rpeaks: Int[np.ndarray, " beat"] | None = None,
    progress: Progress | None = None,
) -> Beats:
    """Tell which class each beat belongs to: N, S, V, F or Q of ANSI/AAMI EC57.

    Any number of leads, any rate, seconds to days. Each beat is compared with the patient's own
    beats and with the rhythm around it, so minutes say more than seconds.

    Parameters
    ----------
    record
        The recording.
    rpeaks
        Sample index of each beat, ascending; found by `detect_rpeaks` by default.
    progress
        Called with the number of beats done and of all beats.

    Returns
    -------
    The beats. Beats that could not be judged are Q and say why: paced, mostly missing, cut by an
    end of the recording, or too few. Where there are none, a warning of the source says why.

    Raises
    ------
    OptionError
        If ``rpeaks`` are not ascending places within the record.
    WeightsError
        If the weights are not there.

    Notes
    -----
    *Method*, our own. Intervals around each beat are set against those of the seconds and minutes
    around it. QRS complexes are grouped into families over all leads; the most frequent, narrowest
    and least early one is the patient's usual beat, and each beat's QRS, P and T are compared with
    it, with its own family, and with the usual beats that come after long intervals (which are of
    the sinus even where most beats are ectopic). No class label of the patient is used. All
    comparisons are inner products over leads that were brought to one scale, so gain, polarity and
    order of leads do not matter. Small networks then judge each beat among 15 before and after it.
    They were trained on half of the MIT-BIH Arrhythmia Database (de Chazal's DS1) and on simulated
    rhythms; the card ``models/box/precordia_beats.toml`` has the cross-validated scores. Recordings
    of more than 3600 beats are compared with themselves in blocks of at most so many. Where
    intervals and P waves around a beat show atrial fibrillation, it is not S: there is no rhythm
    that it could come before. Wide beats of families that come early, begin as the usual ones do,
    follow a P wave and reset the sinus node are S rather than V.

    Beats after a pacing spike are Q, as AAMI has it. The kinds of beats that `measure` counts
    (``n_ventricular_beats``) come from rules and may differ.

    References
    ----------
    ANSI/AAMI EC57:2012. de Chazal P et al. IEEE Trans Biomed Eng 2004;51:1196-1206.
    doi:10.1109/TBME.2004.827359 (classes and division of the database, not the method)

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> beats = classify_beats(simulate("ventricular-premature", seconds=30, seed=3))
    >>> beats.count("V") > 4
    True
    """
    places = detect_rpeaks(record) if rpeaks is None else _checked(rpeaks, record.n_samples)
    reasons = np.full(places.size, "", dtype=object)
    probability = np.full((places.size, len(JUDGED)), np.nan)
    weights = beat_weights()
    if places.size < FEWEST_BEATS:
        reasons[:] = FEW_BEATS
    elif places.size:
        described = describe_beats(record.signal, record.fs, places, progress)
        if not any(family.templates.size for family in described.families):
            reasons[:] = NO_LEADS
        else:
            probability = judge_described(described, weights.arrays)
            reasons[_paced(record, places, given=rpeaks is not None)] = PACED
            reasons[_missing(record.signal, record.fs, places)] = MISSING
            late = record.n_samples - _AFTER_S * record.fs
            reasons[(places < _BEFORE_S * record.fs) | (places > late)] = CUT
            probability[reasons != ""] = np.nan
    judged = np.nan_to_num(probability, nan=-1.0).argmax(axis=1) if places.size else []
    return Beats(
        fs=record.fs,
        n_samples=record.n_samples,
        sample=places,
        label=tuple(
            "Q" if why else JUDGED[k] for k, why in zip(judged, reasons.tolist(), strict=True)
        ),
        probability=probability,
        abstained=tuple(reasons.tolist()),
        source=Source(
            method=f"beats:{weights.card.name}",
            version=precordia.__version__,
            parameters={"rpeaks": "detected" if rpeaks is None else "given"},
            warnings=() if places.size else (_why_no_beats(record, given=rpeaks is not None),),
        ),
    )


def _why_no_beats(record: Record, *, given: bool) -> str:
    if not record.n_leads:
        return f"{Absence.NO_SIGNAL}; the class of a beat is told by its shape too"
    if given:
        return "no beats were given"
    if not useful_leads(record):
        return "no lead carries a signal: each is flat or missing throughout"
    return f"no beats were found in {record.duration_s:.3g} s of {record.n_leads} leads"


def beat_annotations(beats: Beats) -> Annotations:
    """Return beats as annotations, for `write_annotations`.

    Parameters
    ----------
    beats
        From `classify_beats`.

    Returns
    -------
    The symbols N, S, V, F and Q of the WFDB annotation format; the reason of a Q as its text.

    Examples
    --------
    >>> import precordia as pc
    >>> beats = pc.classify_beats(pc.simulate("sinus", seed=1))
    >>> set(beat_annotations(beats).symbol)
    {'N'}
    """
    return Annotations(sample=beats.sample, symbol=beats.label, aux=beats.abstained)


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of each beat before it is judged.

    Attributes
    ----------
    features
        What the networks are told: columns as `beat_timing.NAMES` and `beat_shape.NAMES`.
    families
        Of the QRS complexes of each block of at most 3600 beats.
    fibrillation
        Which beats lie in atrial fibrillation.
    aberrant
        Which are premature atrial ones that are conducted aberrantly, by their family.
    """

    features: Float[np.ndarray, "beat dim"]
    families: list[Families]
    fibrillation: Bool[np.ndarray, " beat"]
    aberrant: Bool[np.ndarray, " beat"]


def describe_beats(
    signal: Float[np.ndarray, "lead sample"],
    fs: float,
    rpeaks: Int[np.ndarray, " beat"],
    progress: Progress | None = None,
) -> Described:
    """Describe every beat: its timing, its shape, and the rhythm around it.

    Parameters
    ----------
    signal
        Potential, mV.
    fs
        Sampling rate, Hz.
    rpeaks
        Sample index of each beat, ascending.
    progress
        Called with the number of beats done and of all beats.

    Returns
    -------
    What was found; zeros where no lead shows beats.

    Examples
    --------
    >>> found = describe_beats(np.zeros((1, 9000)), 500.0, np.arange(500, 8000, 400))
    >>> found.features.shape, len(found.families)
    ((19, 55), 1)
    """
    seconds = rpeaks / fs + _seconds_apart(signal, fs, rpeaks)
    timing, rr = timing_features(seconds), intervals_s(seconds)
    shapes, families, done = [], [], 0
    fibrillation, aberrant = np.zeros((2, rpeaks.size), dtype=bool)
    for rows in np.array_split(np.arange(rpeaks.size), max(1, -(-rpeaks.size // BLOCK))):
        aligned = align_beats(cut_beats(signal, fs, rpeaks[rows]), timing[rows])
        if aligned is None:
            shapes.append(np.zeros((rows.size, len(beat_shape.NAMES)), np.float32))
            families.append(no_families(rows.size))
        else:
            shapes.append(beat_shape.shape_features(aligned, timing[rows]))
            families.append(aligned.families)
            fibrillation[rows] = in_fibrillation(aligned, rr[rows], timing[rows, 6])
            aberrant[rows] = aberrant_beats(aligned, rr[rows], timing[rows])
        done += rows.size
        if progress is not None:
            progress(done, rpeaks.size)
    features = np.concatenate([timing, np.concatenate(shapes)], axis=1, dtype=np.float32)
    return Described(features, families, fibrillation, aberrant & ~fibrillation)


def judge_described(
    described: Described, arrays: dict[str, np.ndarray]
) -> Float[np.ndarray, "beat 4"]:
    """Give the probabilities of N, S, V and F of described beats.

    Parameters
    ----------
    described
        From `describe_beats`.
    arrays
        Weights of the networks.

    Returns
    -------
    What the networks say, after the beats of each family agreed on V; with no S in fibrillation,
    and aberrant beats S rather than V.
    """
    said = judge_beats(described.features, arrays)
    ends = np.cumsum([f.member.size for f in described.families])[:-1]
    pairs = zip(np.split(said, ends), described.families, strict=True)
    agreed = np.concatenate([agree_in_families(own, family) for own, family in pairs])
    return as_premature(without_premature(agreed, described.fibrillation), described.aberrant)


def paced_share(record: Record, rpeaks: Int[np.ndarray, " beat"], *, given: bool = False) -> float:
    """Return the share of beats that follow a pacing spike; 0 where spikes cannot be seen.

    Parameters
    ----------
    record
        The recording.
    rpeaks
        Sample index of each beat.
    given
        Whether others placed them.
    """
    return float(_paced(record, rpeaks, given=given).mean()) if len(rpeaks) else 0.0


def _paced(record: Record, places: np.ndarray, *, given: bool) -> Bool[np.ndarray, " beat"]:
    """Tell which beats follow a spike, for several places at which the QRS may begin.

    A spike may stand at the very place that counts as the R-peak, as a steep R wave may. That is
    believed only where it stands before the QRS complexes that the delineation finds, too, which is
    how `measure` and the rules see a paced rhythm.
    """
    # a day of signal is not copied where nothing of it is missing
    known = bool(np.isfinite(record.signal).all())
    signal = record.signal if known else np.nan_to_num(record.signal)
    paced = np.zeros(places.size, dtype=bool)
    for before_ms in _ONSETS_OF_GIVEN_MS if given else _ONSETS_MS:
        paced |= _after_spikes(signal, places, record.fs, before_ms)
    at_peak = _after_spikes(signal, places, record.fs, _AT_PEAK_MS)
    if (at_peak & ~paced).any():
        delineated = _paced_as_delineated(record, places, first=int(places[at_peak][0]))
        if delineated.any():
            paced |= at_peak | delineated
    return paced


def _after_spikes(
    signal: np.ndarray, places: np.ndarray, fs: float, before_ms: float
) -> Bool[np.ndarray, " beat"]:
    r_peak = places.astype(float)
    onset = r_peak - before_ms * fs / 1000.0
    waves = replace(empty_waves(places.size), r_peak=r_peak, qrs_onset=onset)
    return paced_beats(signal, waves, fs)


def _paced_as_delineated(
    record: Record, places: np.ndarray, *, first: int
) -> Bool[np.ndarray, " beat"]:
    """Tell which beats of an excerpt, that begins before a beat, are paced by delineated onsets."""
    start = max(0, first - round(_EXCERPT_S * record.fs / 2))
    rows = slice(start, start + round(_EXCERPT_S * record.fs))
    signal = np.nan_to_num(record.signal[:, rows])
    excerpt = replace(record, signal=signal, carried=NOTHING_CARRIED, companions=())
    found = delineate(excerpt)
    spiked = found.r_peak[found.has_qrs][paced_beats(signal, found, record.fs)] + start
    near = np.abs(places[:, None] - spiked[None]) <= _SAME_BEAT_S * record.fs
    return np.asarray(near.any(axis=1))


def _seconds_apart(signal: np.ndarray, fs: float, places: np.ndarray) -> np.ndarray:
    """Return what moves beats on either side of a gap so far apart that no interval spans it."""
    gone = ~np.isfinite(signal).any(axis=0)
    if not gone.any() or not places.size:
        return np.zeros(places.size)
    lost = np.concatenate([[0], np.cumsum(gone)])[places]
    spans_gap = np.diff(lost, prepend=lost[0]) > _LONGEST_GAP_S * fs
    return np.cumsum(spans_gap) * NO_INTERVAL_S


def _missing(signal: np.ndarray, fs: float, places: np.ndarray) -> Bool[np.ndarray, " beat"]:
    """Tell of which beats less than half of the QRS complex and its surroundings is there."""
    gone = ~np.isfinite(signal).any(axis=0)
    if not gone.any():
        return np.zeros(places.size, dtype=bool)
    lost = np.concatenate([[0], np.cumsum(gone)])
    reach = max(1, round(0.1 * fs))
    low, high = np.maximum(places - reach, 0), np.minimum(places + reach, gone.size)
    return lost[high] - lost[low] > _MOST_MISSING * (high - low)


def _checked(rpeaks: object, n_samples: int) -> Int[np.ndarray, " beat"]:
    given = np.asarray(rpeaks)
    if given.ndim != 1 or (given.size and not np.isfinite(given.astype(float)).all()):
        raise OptionError(
            f"rpeaks of shape {given.shape} arrived; one finite sample index per beat is needed. "
            "Use detect_rpeaks(record), or leave them out."
        )
    places = np.round(given.astype(float)).astype(np.int64)
    if places.size and (np.diff(places).min(initial=1) < 0 or places[0] < 0 or
                        places[-1] >= n_samples):  # fmt: skip
        raise OptionError(
            f"rpeaks from {places.min()} to {places.max()} arrived; ascending indices from 0 to "
            f"{n_samples - 1} are needed. Sort them, and use those of this record."
        )
    return places
