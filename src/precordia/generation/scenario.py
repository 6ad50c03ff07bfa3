# SPDX-License-Identifier: Apache-2.0
"""What a scenario is: rhythm, shapes, intervals and the statements that hold by construction."""

from dataclasses import dataclass, field

from precordia.core.statements import Statement
from precordia.generation import shapes
from precordia.generation.lobes import Wave

Vector = tuple[float, float, float]
NONE: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatShape:
    """Shape and duration of one kind of ventricular beat.

    Attributes
    ----------
    qrs, t
        Lobes of the QRS complex and the T wave.
    st_mv
        ST vector (left, down, anterior), mV: reached at the J point, held until the T wave.
    qrs_ms
        Duration of the QRS complex, ms.
    qt_ms
        QT interval, ms; None follows the heart rate.
    """

    qrs: Wave = shapes.QRS_NORMAL
    t: Wave = shapes.T_NORMAL
    st_mv: Vector = NONE
    qrs_ms: float = 90.0
    qt_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to simulate. Build your own with `dataclasses.replace` on a listed one.

    Attributes
    ----------
    name, text
        Name and one line of plain words.
    statements
        SCP-ECG statement codes that hold by construction.
    rhythm
        A name in ``rhythm.RHYTHMS``.
    beat
        Shape of the usual beats.
    ectopic
        Shape of premature ventricular beats.
    p
        Shapes of P waves: the usual one first, then ectopic ones.
    heart_rate_bpm, rr_sd_ms
        Mean ventricular rate, and standard deviation of the sinus interval.
    pr_ms, p_ms
        PR interval and duration of the P wave.
    atrial
        ``""``, ``"fibrillation"`` or ``"flutter"``: activity between the beats.
    pacing
        ``""``, ``"ventricle"`` or ``"both"``: spikes before QRS, or before P and QRS.
    alternans_mv
        Difference in T amplitude between odd and even beats, mV.
    options
        Numbers for the rhythm.
    """

    name: str
    text: str
    statements: tuple[str, ...] = ("SR",)
    rhythm: str = "sinus"
    beat: BeatShape = field(default_factory=BeatShape)
    ectopic: BeatShape | None = None
    p: tuple[Wave, ...] = (shapes.P_NORMAL,)
    heart_rate_bpm: float = 70.0
    rr_sd_ms: float = 20.0
    pr_ms: float = 160.0
    p_ms: float = 104.0
    atrial: str = ""
    pacing: str = ""
    alternans_mv: float = 0.0
    options: dict[str, float] = field(default_factory=dict)


def statements_of(scenario: Scenario) -> tuple[Statement, ...]:
    """Return what a scenario asserts, as coded statements.

    Examples
    --------
    >>> [s.code for s in statements_of(Scenario(name="x", text="", statements=("SR", "LNGQT")))]
    ['SR', 'LNGQT']
    """
    return tuple(
        Statement(code=code, scheme="scp-ecg", likelihood=100.0) for code in scenario.statements
    )
