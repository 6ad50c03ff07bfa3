# SPDX-License-Identifier: Apache-2.0
"""Beats that more than one scenario uses."""

from precordia.generation import shapes
from precordia.generation.scenario import BeatShape

PVC_LEFT = BeatShape(
    qrs=shapes.QRS_VENTRICULAR_LEFT, t=shapes.T_VENTRICULAR_LEFT, qrs_ms=150, qt_ms=430
)
PVC_RIGHT = BeatShape(
    qrs=shapes.QRS_VENTRICULAR_RIGHT, t=shapes.T_VENTRICULAR_RIGHT, qrs_ms=150, qt_ms=430
)
RIGHT_BLOCK = BeatShape(qrs=shapes.QRS_RBBB, t=shapes.T_RBBB, qrs_ms=140)
LEFT_BLOCK = BeatShape(
    qrs=shapes.QRS_LBBB, t=shapes.T_DISCORDANT_LBBB, st_mv=(-0.10, -0.02, 0.14), qrs_ms=150
)
PACED = BeatShape(
    qrs=shapes.QRS_PACED, t=shapes.T_PACED, st_mv=(-0.06, 0.12, 0.12), qrs_ms=160, qt_ms=440
)
