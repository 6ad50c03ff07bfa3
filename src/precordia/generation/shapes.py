# SPDX-License-Identifier: Apache-2.0
"""Shapes of P, QRS and T waves as lobes, at their natural axis.

Every vector is (left, down, anterior) in millivolts. The shapes are ours: they were drawn so that
the projected leads show the textbook pattern that each is named for.
"""

from precordia.generation.lobes import Lobe, Wave

P_NORMAL: Wave = (
    Lobe(0.0, 0.38, 0.74, 0.035, 0.090, 0.055, 1.0, 1.0),
    Lobe(0.26, 0.62, 1.0, 0.050, 0.065, -0.045, 1.0, 1.0),
)
P_LEFT_ATRIAL: Wave = (
    Lobe(0.0, 0.30, 0.60, 0.035, 0.090, 0.060, 1.0, 1.0),
    Lobe(0.36, 0.70, 1.0, 0.070, 0.085, -0.120, 1.0, 1.0),
)
P_RIGHT_ATRIAL: Wave = (
    Lobe(0.0, 0.42, 0.86, 0.050, 0.270, 0.130, 1.0, 1.0),
    Lobe(0.30, 0.66, 1.0, 0.040, 0.050, -0.030, 1.0, 1.0),
)
P_ECTOPIC: Wave = (
    Lobe(0.0, 0.40, 0.76, -0.035, -0.090, 0.040, 1.0, 1.0),
    Lobe(0.28, 0.62, 1.0, 0.040, -0.070, -0.030, 1.0, 1.0),
)

QRS_NORMAL: Wave = (
    Lobe(0.0, 0.16, 0.44, -0.13, 0.03, 0.34),
    Lobe(0.06, 0.45, 0.84, 0.82, 0.98, -0.34),
    Lobe(0.50, 0.76, 1.0, 0.02, -0.22, -0.40),
)
QRS_RBBB: Wave = (
    Lobe(0.0, 0.12, 0.30, -0.12, 0.04, 0.34),
    Lobe(0.05, 0.28, 0.56, 0.95, 0.85, -0.45),
    Lobe(0.40, 0.66, 1.0, -0.42, -0.16, 0.62),
)
QRS_INCOMPLETE_RBBB: Wave = (
    Lobe(0.0, 0.14, 0.36, -0.12, 0.03, 0.33),
    Lobe(0.06, 0.38, 0.70, 0.85, 0.95, -0.40),
    Lobe(0.54, 0.78, 1.0, -0.24, -0.12, 0.36),
)
QRS_LBBB: Wave = (
    Lobe(0.0, 0.24, 0.58, 0.62, 0.20, -0.75),
    Lobe(0.22, 0.50, 0.86, 0.25, 0.02, -0.95),
    Lobe(0.40, 0.70, 1.0, 0.70, -0.10, -0.60),
)
QRS_INCOMPLETE_LBBB: Wave = (
    Lobe(0.0, 0.30, 0.72, 0.55, 0.40, -0.45),
    Lobe(0.20, 0.56, 1.0, 0.65, 0.28, -0.70),
)
QRS_LAFB: Wave = (
    Lobe(0.0, 0.17, 0.42, -0.14, 0.38, 0.28),
    Lobe(0.14, 0.50, 0.88, 0.72, -0.86, -0.30),
    Lobe(0.52, 0.78, 1.0, 0.22, -0.34, -0.34),
)
QRS_LPFB: Wave = (
    Lobe(0.0, 0.17, 0.42, 0.22, -0.26, 0.28),
    Lobe(0.14, 0.50, 0.88, -0.42, 1.05, -0.30),
    Lobe(0.52, 0.78, 1.0, -0.20, 0.26, -0.34),
)
QRS_PREEXCITED: Wave = (
    Lobe(0.0, 0.36, 0.62, 0.36, 0.10, 0.42, 1.0, 1.1),
    Lobe(0.26, 0.58, 0.90, 0.70, 0.80, -0.10),
    Lobe(0.58, 0.80, 1.0, 0.02, -0.16, -0.32),
)
QRS_VENTRICULAR_LEFT: Wave = (  # ectopic beat from the left ventricle: like right bundle block
    Lobe(0.0, 0.34, 0.70, -0.30, -0.75, 0.75),
    Lobe(0.24, 0.62, 1.0, -0.55, -0.65, 0.70),
)
QRS_VENTRICULAR_RIGHT: Wave = (  # from the right outflow tract: like left bundle block, inferior
    Lobe(0.0, 0.32, 0.68, 0.10, 1.05, -0.55),
    Lobe(0.26, 0.60, 1.0, 0.15, 0.85, -0.95),
)
QRS_PACED: Wave = (  # apex of the right ventricle
    Lobe(0.0, 0.30, 0.66, 0.42, -0.72, -0.70),
    Lobe(0.26, 0.62, 1.0, 0.30, -0.70, -0.72),
)
QRS_LVH: Wave = (
    Lobe(0.0, 0.16, 0.42, -0.18, 0.05, 0.42),
    Lobe(0.06, 0.46, 0.86, 1.65, 0.85, -1.25),
    Lobe(0.50, 0.76, 1.0, 0.10, -0.25, -0.75),
)
QRS_RVH: Wave = (
    Lobe(0.0, 0.16, 0.46, 0.16, 0.06, 0.30),
    Lobe(0.06, 0.44, 0.82, -0.20, 0.95, 0.62),
    Lobe(0.46, 0.74, 1.0, -0.62, -0.10, 0.42),
)
QRS_INFERIOR_Q: Wave = (
    Lobe(0.0, 0.22, 0.56, 0.10, -0.52, 0.22),
    Lobe(0.26, 0.58, 0.90, 0.80, 0.62, -0.34),
    Lobe(0.54, 0.80, 1.0, 0.02, -0.10, -0.34),
)
QRS_ANTERIOR_Q: Wave = (
    Lobe(0.0, 0.22, 0.56, 0.10, 0.06, -0.72),
    Lobe(0.14, 0.50, 0.88, 0.62, 0.75, -0.55),
    Lobe(0.52, 0.78, 1.0, 0.02, -0.16, -0.36),
)

T_NORMAL: Wave = (Lobe(0.0, 0.58, 1.0, 0.20, 0.18, 0.17, 1.7, 1.15),)
T_HYPERACUTE: Wave = (Lobe(0.0, 0.52, 1.0, 0.45, 0.35, 0.75, 1.6, 1.15),)
T_DISCORDANT_LBBB: Wave = (Lobe(0.0, 0.58, 1.0, -0.30, -0.04, 0.42, 1.6, 1.15),)
T_RBBB: Wave = (Lobe(0.0, 0.58, 1.0, 0.22, 0.18, -0.10, 1.7, 1.15),)
T_STRAIN_LEFT: Wave = (Lobe(0.0, 0.62, 1.0, -0.26, -0.12, 0.28, 1.5, 1.15),)
T_STRAIN_RIGHT: Wave = (Lobe(0.0, 0.60, 1.0, 0.12, -0.18, -0.32, 1.6, 1.15),)
T_VENTRICULAR_LEFT: Wave = (Lobe(0.0, 0.56, 1.0, 0.30, 0.42, -0.48, 1.5, 1.15),)
T_VENTRICULAR_RIGHT: Wave = (Lobe(0.0, 0.56, 1.0, -0.05, -0.48, 0.46, 1.5, 1.15),)
T_PACED: Wave = (Lobe(0.0, 0.56, 1.0, -0.18, 0.44, 0.42, 1.5, 1.15),)
T_INVERTED_ANTERIOR: Wave = (Lobe(0.0, 0.58, 1.0, -0.10, 0.06, -0.34, 1.7, 1.15),)
T_INVERTED_INFERIOR: Wave = (Lobe(0.0, 0.58, 1.0, 0.16, -0.24, 0.16, 1.7, 1.15),)
