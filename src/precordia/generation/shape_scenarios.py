# SPDX-License-Identifier: Apache-2.0
"""Scenarios that differ in how the heart beats: conduction, ischaemia, hypertrophy, intervals."""

from precordia.generation import shapes
from precordia.generation.beat_shapes import LEFT_BLOCK, RIGHT_BLOCK
from precordia.generation.lobes import scale
from precordia.generation.scenario import NONE, BeatShape, Scenario, Vector


def shape_scenarios() -> tuple[Scenario, ...]:
    """Return them in the order in which they are listed."""
    return (*_conduction(), *_ischaemia(), *_others())


def _conduction() -> tuple[Scenario, ...]:
    return (
        Scenario(
            name="right-bundle-block",
            text="complete right bundle branch block",
            statements=("SR", "CRBBB"),
            beat=RIGHT_BLOCK,
        ),
        Scenario(
            name="incomplete-right-bundle-block",
            text="incomplete right bundle branch block",
            statements=("SR", "IRBBB"),
            beat=BeatShape(qrs=shapes.QRS_INCOMPLETE_RBBB, t=shapes.T_RBBB, qrs_ms=108),
        ),
        Scenario(
            name="left-bundle-block",
            text="complete left bundle branch block",
            statements=("SR", "CLBBB"),
            beat=LEFT_BLOCK,
        ),
        Scenario(
            name="incomplete-left-bundle-block",
            text="incomplete left bundle branch block",
            statements=("SR", "ILBBB"),
            beat=BeatShape(qrs=shapes.QRS_INCOMPLETE_LBBB, qrs_ms=114),
        ),
        Scenario(
            name="left-anterior-fascicular-block",
            text="left anterior fascicular block",
            statements=("SR", "LAFB"),
            beat=BeatShape(qrs=shapes.QRS_LAFB, qrs_ms=104),
        ),
        Scenario(
            name="left-posterior-fascicular-block",
            text="left posterior fascicular block",
            statements=("SR", "LPFB"),
            beat=BeatShape(qrs=shapes.QRS_LPFB, qrs_ms=104),
        ),
        Scenario(
            name="pre-excitation",
            text="pre-excitation (short PR, delta wave)",
            statements=("SR", "WPW"),
            pr_ms=100,
            p_ms=86,
            beat=BeatShape(
                qrs=shapes.QRS_PREEXCITED,
                t=scale(shapes.T_NORMAL, 0.7),
                qrs_ms=130,
                st_mv=(-0.03, -0.03, -0.03),
            ),
        ),
    )


def _ischaemia() -> tuple[Scenario, ...]:
    def infarct(name: str, text: str, code: str, st: Vector, **beat: object) -> Scenario:
        return Scenario(
            name=name,
            text=text,
            statements=("SR", code),
            beat=BeatShape(st_mv=st, **beat),  # type: ignore[arg-type]
        )

    return (
        infarct("stemi-anterior", "ST elevation V1 to V4", "AMI", (0.05, -0.03, 0.26)),
        infarct(
            "stemi-inferior",
            "ST elevation II, III, aVF; depression I, aVL",
            "IMI",
            (-0.08, 0.26, 0.03),
        ),
        infarct(
            "stemi-lateral",
            "ST elevation I, aVL, V5, V6; depression III",
            "LMI",
            (0.20, -0.10, 0.02),
        ),
        infarct(
            "stemi-posterior",
            "ST depression V1 to V3 of a posterior infarct",
            "PMI",
            (0.02, 0.05, -0.20),
        ),
        infarct(
            "subendocardial-depression",
            "ST depression I, II, V4 to V6",
            "ISC_",
            (-0.11, -0.10, -0.06),
            t=scale(shapes.T_NORMAL, 0.5),
        ),
        infarct(
            "hyperacute-t",
            "tall broad T waves V2 to V4",
            "AMI",
            (0.02, 0.0, 0.05),
            t=shapes.T_HYPERACUTE,
        ),
        infarct(
            "t-inversion-anterior",
            "T inversion V1 to V5",
            "ISCAN",
            NONE,
            t=shapes.T_INVERTED_ANTERIOR,
        ),
        infarct(
            "t-inversion-inferior",
            "T inversion II, III, aVF",
            "ISCIN",
            NONE,
            t=shapes.T_INVERTED_INFERIOR,
        ),
        infarct(
            "old-inferior-infarct",
            "pathological Q waves II, III, aVF",
            "IMI",
            NONE,
            qrs=shapes.QRS_INFERIOR_Q,
            t=shapes.T_INVERTED_INFERIOR,
            qrs_ms=98,
        ),
        infarct(
            "old-anterior-infarct",
            "QS complexes V1 to V3",
            "ASMI",
            NONE,
            qrs=shapes.QRS_ANTERIOR_Q,
            t=shapes.T_INVERTED_ANTERIOR,
            qrs_ms=98,
        ),
    )


def _others() -> tuple[Scenario, ...]:
    def with_beat(name: str, text: str, codes: tuple[str, ...], **beat: object) -> Scenario:
        return Scenario(
            name=name,
            text=text,
            statements=codes,
            beat=BeatShape(**beat),  # type: ignore[arg-type]
        )

    low = BeatShape(qrs=scale(shapes.QRS_NORMAL, 0.30), t=scale(shapes.T_NORMAL, 0.45))
    return (
        with_beat(
            "left-ventricular-hypertrophy",
            "left ventricular hypertrophy with strain",
            ("SR", "LVH"),
            qrs=shapes.QRS_LVH,
            t=shapes.T_STRAIN_LEFT,
            st_mv=(-0.08, -0.03, 0.10),
            qrs_ms=104,
        ),
        with_beat(
            "right-ventricular-hypertrophy",
            "right ventricular hypertrophy with strain",
            ("SR", "RVH"),
            qrs=shapes.QRS_RVH,
            t=shapes.T_STRAIN_RIGHT,
            st_mv=(0.02, -0.04, -0.08),
            qrs_ms=98,
        ),
        Scenario(
            name="left-atrial-enlargement",
            text="broad notched P, negative end in V1",
            statements=("SR", "LAO/LAE"),
            p=(shapes.P_LEFT_ATRIAL,),
            p_ms=130,
            pr_ms=180,
        ),
        Scenario(
            name="right-atrial-enlargement",
            text="tall P in II",
            statements=("SR", "RAO/RAE"),
            p=(shapes.P_RIGHT_ATRIAL,),
        ),
        with_beat("long-qt", "long QT interval", ("SR", "LNGQT"), qt_ms=520),
        with_beat("short-qt", "short QT interval", ("SR",), qt_ms=310),
        Scenario(
            name="t-wave-alternans",
            text="T wave alternans",
            statements=("SR",),
            alternans_mv=0.2,
            heart_rate_bpm=96,
            rr_sd_ms=3,
        ),
        Scenario(name="low-voltage", text="low QRS voltage", statements=("SR", "LVOLT"), beat=low),
    )
