# SPDX-License-Identifier: Apache-2.0
"""Simulate a twelve-lead ECG together with everything that is true of it."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

import precordia
from precordia.core.errors import OptionError
from precordia.core.fiducials import Fiducials
from precordia.core.leads import STANDARD_12
from precordia.core.record import Carried, Record
from precordia.core.source import Source
from precordia.generation.atrial_activity import fibrillation_waves, flutter_waves
from precordia.generation.heart import Heart, draw_heart, positions_of, rate_adapted_qt_ms
from precordia.generation.lobes import FRAME_TO_LEADS, net_direction_deg, turn, vectors
from precordia.generation.render import add_spikes, add_waves, st_wave, t_wave_times
from precordia.generation.rhythm import Pace, flutter_cycle_s
from precordia.generation.scenario import Scenario, statements_of
from precordia.generation.scenarios import find_scenario
from precordia.generation.truth import axis_of, build_fiducials
from precordia.signal.noise import add_noise, draw_noise, join_electrode_noise
from precordia.signal.noise_models import model_noise

_VENTRICULAR_SPIKE = (0.5, -1.3, -0.9)
_ATRIAL_SPIKE = (0.3, 0.5, 0.2)
_SPIKE_LEAD_S = 0.006  # a spike comes this long before the wave that it evokes
_RANGES = {
    "heart_rate_bpm": (15.0, 350.0),
    "rr_sd_ms": (0.0, 400.0),
    "pr_ms": (60.0, 600.0),
    "p_ms": (30.0, 220.0),
    "qrs_ms": (40.0, 260.0),
    "qt_ms": (150.0, 900.0),
    "qrs_axis_deg": (-180.0, 360.0),
    "respiration_percent": (0.0, 60.0),
    "fs": (50.0, 20_000.0),
    "seconds": (0.2, 100_000.0),
    "snr_db": (-60.0, 120.0),
}


def simulate(
    condition: str | Scenario = "sinus",
    *,
    heart_rate_bpm: float | None = None,
    rr_sd_ms: float | None = None,
    pr_ms: float | None = None,
    p_ms: float | None = None,
    qrs_ms: float | None = None,
    qt_ms: float | None = None,
    qrs_axis_deg: float | None = None,
    respiration_percent: float = 0.0,
    fs: float = 500.0,
    seconds: float = 10.0,
    noise: str | Record | Float[np.ndarray, "..."] | None = None,
    noise_fs: float | None = None,
    snr_db: float | None = None,
    seed: int = 0,
) -> Record:
    """Simulate a twelve-lead ECG whose intervals, axis and wave boundaries are known exactly.

    Use it to test what measures, to teach, and to try a method where no patient's data may go. It
    is no substitute for recordings in claims about performance: its waves are simpler than any
    patient's.

    Parameters
    ----------
    condition
        A name of `list_scenarios`, or a `Scenario` of your own.
    heart_rate_bpm
        Mean ventricular rate. This and the next six replace what the scenario says.
    rr_sd_ms
        Standard deviation of the sinus interval, ms; 0 for a clockwork.
    pr_ms, p_ms, qrs_ms, qt_ms
        Intervals of the usual beats, ms. Without ``qt_ms`` (and where the scenario has none) QT
        follows the rate at a Fridericia QTc of 400 ms.
    qrs_axis_deg
        Axis of the net QRS area; the whole QRS complex is turned in the frontal plane, and T is
        left where it is.
    respiration_percent
        How far breathing changes the size of the waves, percent; the axis swings with it.
    fs, seconds
        Sampling rate, Hz, and length, s.
    noise
        A recording of noise (`Record`, or an array with ``noise_fs``), or a name of
        `precordia.signal.noise_models.list_noise_models`. Drawn for nine electrodes apart, so that
        limb leads keep their identities.
    noise_fs
        Sampling rate of a noise array, Hz; that of the result where left out.
    snr_db
        Signal-to-noise ratio of the median lead, dB (variance over variance); needed with noise.
    seed
        The same seed and arguments give the same record.

    Returns
    -------
    A record with origin ``"synthetic"``. ``carried.fiducials`` holds the exact wave boundaries of
    every beat, globally and per lead; ``carried.measurements`` the true rate, intervals and axes;
    ``carried.statements`` what the scenario asserts.

    Raises
    ------
    UnknownNameError
        If there is no such scenario or noise model.
    OptionError
        If a number is out of range, or intervals do not fit into each other.

    Notes
    -----
    *Method.* A moving dipole (Sameni et al.): each wave is a sum of kernels in the three
    components of the heart vector, and Dower's matrix projects it to I, II and V1 to V6; the other
    limb leads follow exactly. *Departures.* (1) Kernels are lobes of a power of the sine with
    compact support in place of Gaussians, so that onset and offset are exact zeros. (2) No
    differential equation is integrated and there is no limit cycle: beats are placed on a timeline
    in real time. (3) Frontal components are given as lead I and its perpendicular and solved for
    Dower's X and Y, so that the frontal axis is exact.

    *What is true.* Onsets and offsets are the ends of the support: the first and last instants at
    which the clean wave is not zero. In a lead, lobes below 0.03 mV do not count. ``r_peak`` of
    the global row is the instant of the largest root mean square over the eight independent leads;
    Q and S have no global position. A P wave of which a QRS complex covers more than 30 % is left
    out; one that falls on a T wave has confidence 0.5. Beats whose R peak lies outside the record
    are not listed, even if their P or T wave is within. Intervals are those of the usual beats.

    References
    ----------
    Sameni R et al. EURASIP J Adv Signal Process 2007;2007:043407. doi:10.1155/2007/43407
    McSharry PE et al. IEEE Trans Biomed Eng 2003;50:289-294. doi:10.1109/TBME.2003.808805
    Clifford GD et al. Physiol Meas 2010;31:595-609. doi:10.1088/0967-3334/31/5/001

    Examples
    --------
    >>> record = simulate("sinus", heart_rate_bpm=60, pr_ms=160, qrs_ms=90, seed=1)
    >>> record
    Record(12 leads (I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6), 10 s at 500 Hz, synthetic)
    >>> record.carried.measurements["pr_ms"]
    160.0
    """
    given = {
        "heart_rate_bpm": heart_rate_bpm,
        "rr_sd_ms": rr_sd_ms,
        "pr_ms": pr_ms,
        "p_ms": p_ms,
        "qrs_ms": qrs_ms,
        "qt_ms": qt_ms,
        "qrs_axis_deg": qrs_axis_deg,
    }
    asked = {**given, "respiration_percent": respiration_percent, "fs": fs, "seconds": seconds}
    _check_ranges({**asked, "snr_db": snr_db})
    if (noise is None) != (snr_db is None):
        raise OptionError(
            "noise and snr_db belong together; only one of them arrived. Give both, such as "
            "noise='muscle', snr_db=15, or neither."
        )
    named = condition if isinstance(condition, Scenario) else find_scenario(condition)
    scenario = _adjust(named, {k: v for k, v in given.items() if v is not None})
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError):
        sentence = f"seed = {seed!r} arrived; a whole number from 0 on was needed."
        raise OptionError(sentence) from None
    n_samples = round(seconds * fs)
    options = dict(scenario.options)
    pace = Pace(
        seconds=seconds,
        rr_s=60.0 / scenario.heart_rate_bpm,
        rr_sd_s=scenario.rr_sd_ms / 1000,
        pr_s=scenario.pr_ms / 1000,
        respiration_hz=options.pop("respiration_hz", 0.25),
        lf_hf=options.pop("lf_hf", 0.5),
        options=options,
    )
    heart = draw_heart(rng, scenario, pace)
    frame = np.zeros((3, n_samples))
    _draw_atria(frame, fs, rng, heart, pace)
    _draw_beats(frame, fs, rng, heart, pace, respiration_percent / 100)
    signal = FRAME_TO_LEADS.astype(np.float32) @ frame.astype(np.float32)
    if noise is not None and snr_db is not None:
        signal = _with_noise(signal, noise, noise_fs, snr_db, fs, rng)
    return _record(heart, signal, fs, asked | {"seed": seed, "snr_db": snr_db})


def _check_ranges(asked: dict[str, float | None]) -> None:
    for name, value in asked.items():
        if value is None:
            continue
        low, high = _RANGES[name]
        if not (isinstance(value, (int, float, np.number)) and low <= value <= high):
            raise OptionError(
                f"{name} = {value!r} arrived; a number from {low:g} to {high:g} was needed."
            )


def _adjust(scenario: Scenario, given: dict[str, float]) -> Scenario:
    """Put the caller's numbers in place of the scenario's, and check that they fit together."""
    beat = scenario.beat
    axis = given.pop("qrs_axis_deg", None)
    if axis is not None:
        beat = replace(beat, qrs=turn(beat.qrs, axis - net_direction_deg(beat.qrs)))
    for name in ("qrs_ms", "qt_ms"):
        if name in given:
            beat = replace(beat, **{name: float(given.pop(name))})
    scenario = replace(scenario, beat=beat, **{k: float(v) for k, v in given.items()})
    if "pr_ms" in given and "p_ms" not in given:
        scenario = replace(scenario, p_ms=min(scenario.p_ms, 0.8 * scenario.pr_ms))
    if scenario.p_ms > scenario.pr_ms - 10:
        raise OptionError(
            f"p_ms = {scenario.p_ms:g} with pr_ms = {scenario.pr_ms:g} arrived; P must end at least"
            " 10 ms before QRS begins. Shorten p_ms or lengthen pr_ms."
        )
    qt = beat.qt_ms or rate_adapted_qt_ms(scenario.heart_rate_bpm)
    if qt < beat.qrs_ms + 100:
        raise OptionError(
            f"a QT interval of {qt:.0f} ms with qrs_ms = {beat.qrs_ms:g} arrived; QT must be at "
            "least 100 ms longer than QRS. Set qt_ms, shorten qrs_ms or lower heart_rate_bpm."
        )
    rr = 60_000 / scenario.heart_rate_bpm
    if qt > rr - 30 and beat.qt_ms is not None:
        raise OptionError(
            f"qt_ms = {qt:g} at {scenario.heart_rate_bpm:g} beats per minute arrived; T must end at"
            f" least 30 ms before the next QRS ({rr:.0f} ms). Shorten qt_ms or lower the rate."
        )
    return scenario


def _draw_atria(
    frame: np.ndarray, fs: float, rng: np.random.Generator, heart: Heart, pace: Pace
) -> None:
    n_samples = frame.shape[1]
    if heart.scenario.atrial == "fibrillation":
        frame += fibrillation_waves(rng, n_samples, fs)
    elif heart.scenario.atrial == "flutter":
        frame += flutter_waves(n_samples, fs, cycle_s=flutter_cycle_s(pace))


def _draw_beats(
    frame: np.ndarray,
    fs: float,
    rng: np.random.Generator,
    heart: Heart,
    pace: Pace,
    depth: float,
) -> None:
    breath = rng.uniform(0, 2 * np.pi)

    def turns(times: np.ndarray) -> np.ndarray | None:
        return None if depth == 0 else _breathing(times, pace.respiration_hz, breath, depth)

    p_s = np.full(heart.p_onset.size, heart.p_s)
    for number, wave in enumerate(heart.scenario.p):
        chosen = heart.p_shape == number
        onset = heart.p_onset[chosen]
        add_waves(frame, fs, wave, onset, p_s[chosen], turns(onset))
    for number, shape in enumerate(heart.shapes):
        chosen = np.flatnonzero(heart.shape == number)
        if not chosen.size:
            continue
        onset, qrs_s, qt_s = heart.qrs_onset[chosen], heart.qrs_s[chosen], heart.qt_s[chosen]
        turned = turns(onset)
        t_onset, t_s = t_wave_times(qrs_s, qt_s)
        add_waves(frame, fs, shape.qrs, onset, qrs_s, turned)
        gain = _alternation(heart.scenario, shape.t, chosen)
        add_waves(frame, fs, shape.t, onset + t_onset, t_s, turned, gain)
        st = st_wave(shape, float(qrs_s.max()), float(qt_s.max()))
        add_waves(frame, fs, st, onset, qt_s, turned)
    if heart.scenario.pacing:
        add_spikes(frame, fs, heart.qrs_onset - _SPIKE_LEAD_S, _VENTRICULAR_SPIKE)
    if heart.scenario.pacing == "both":
        add_spikes(frame, fs, heart.p_onset - _SPIKE_LEAD_S, _ATRIAL_SPIKE)


def _breathing(
    times: np.ndarray, respiration_hz: float, phase: float, depth: float
) -> Float[np.ndarray, "beat 3 3"]:
    """Scale the vector by ``1 + depth sin`` and turn it in the frontal plane with the breath."""
    swing = np.sin(2 * np.pi * respiration_hz * times + phase)
    angle = 0.5 * depth * swing
    matrices = np.zeros((times.size, 3, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angle)
    matrices[:, 1, 0], matrices[:, 0, 1] = np.sin(angle), -np.sin(angle)
    matrices[:, 2, 2] = 1.0
    return matrices * (1 + depth * swing)[:, None, None]


def _alternation(scenario: Scenario, t: tuple, beats: np.ndarray) -> np.ndarray | None:
    if not scenario.alternans_mv:
        return None
    largest = np.abs(FRAME_TO_LEADS @ vectors(t).sum(axis=0)).max()
    return 1 + np.where(beats % 2, 0.5, -0.5) * scenario.alternans_mv / largest


def _with_noise(
    signal: np.ndarray,
    noise: str | Record | np.ndarray,
    noise_fs: float | None,
    snr_db: float,
    fs: float,
    rng: np.random.Generator,
) -> np.ndarray:
    n_samples = signal.shape[1]
    if isinstance(noise, str):
        nine = model_noise(noise, n_samples=n_samples, n_leads=9, fs=fs, seed=rng)
    else:
        recorded = noise.signal if isinstance(noise, Record) else noise
        rate = noise.fs if isinstance(noise, Record) else (noise_fs or fs)
        nine = draw_noise(recorded, rate, fs=fs, n_samples=n_samples, n_leads=9, seed=rng)
        spread = nine.std(axis=1, keepdims=True)
        nine /= np.where(spread > 0, spread, 1.0)
    return add_noise(signal, join_electrode_noise(nine), snr_db=snr_db, scale="record")


def _record(heart: Heart, signal: np.ndarray, fs: float, asked: dict) -> Record:
    n_samples = signal.shape[1]
    parameters = {"condition": heart.scenario.name}
    parameters |= {k: float(v) for k, v in asked.items() if v is not None}
    source = Source(method="simulate", version=precordia.__version__, parameters=parameters)
    rows, confidence, index = positions_of(heart, (n_samples - 1) / fs)
    fiducials = build_fiducials(rows, confidence, fs=fs, n_samples=n_samples, source=source)
    carried = Carried(
        measurements=_true_measurements(heart, fiducials, index),
        statements=statements_of(heart.scenario),
        fiducials=fiducials,
    )
    return Record(
        signal=signal,
        fs=fs,
        leads=STANDARD_12,
        origin="synthetic",
        carried=carried,
        source=source,
    )


def _true_measurements(heart: Heart, shown: Fiducials, index: np.ndarray) -> dict[str, float]:
    """Collect the numbers that hold by construction; those without meaning are left out."""
    to_ms = 1000 / shown.fs
    truth = {"n_beats": float((index >= 0).sum())}
    rr = np.diff(shown.r_peak[index >= 0]) * to_ms
    if rr.size:
        truth |= {
            "heart_rate_bpm": 60_000 / rr.mean(),
            "rr_mean_ms": rr.mean(),
            "rr_median_ms": np.median(rr),
            "rr_min_ms": rr.min(),
            "rr_max_ms": rr.max(),
        }
    usual = index[(index >= 0)]
    usual = usual[heart.shape[usual] == 0]
    beat = heart.scenario.beat
    if usual.size:
        truth["qrs_ms"] = beat.qrs_ms
        truth["qt_ms"] = float(np.median(heart.qt_s[usual])) * 1000
        truth["qrs_axis_deg"] = axis_of(beat.qrs)
        if not any(beat.st_mv):
            truth["t_axis_deg"] = axis_of(beat.t)
        led = usual[heart.p_of[usual] >= 0]
        if led.size:
            pr = heart.qrs_onset[led] - heart.p_onset[heart.p_of[led]]
            truth["pr_ms"] = float(np.median(pr)) * 1000
            truth["p_ms"] = heart.p_s * 1000
            truth["p_axis_deg"] = axis_of(heart.scenario.p[0])
    return {name: float(np.round(value, 9)) for name, value in truth.items()}
