# SPDX-License-Identifier: Apache-2.0
"""Turn the heart a little in the chest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import OptionError
from precordia.core.leads import STANDARD_12
from precordia.signal.lead_algebra import DOWER, INDEPENDENT_8, KORS, LIMB_FROM_I_II
from precordia.training.augment_options import check_probability, check_range
from precordia.training.draws import Draws
from precordia.training.window_batch import WindowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisRotation:
    """Turn the heart a little in the chest.

    Attributes
    ----------
    degrees
        Largest angle about each of the three axes of the body.
    probability
        Share of records to which this happens.

    Notes
    -----
    The heart vector is estimated with the matrix of Kors, turned, and its change projected onto the
    leads with the matrix of Dower; the limb leads are formed from I and II, so that their
    identities hold exactly. After Gopal et al. (3KG), who rotate and scale the vectorcardiogram.
    *Departures*: only the change is projected, so that what no dipole explains stays, and no angle
    means no change; angles are small by default, as a turn beyond some 15 degrees makes axis
    deviations of normal recordings; nothing is stretched. Records that lack one of the twelve leads
    stay as they are.

    References
    ----------
    Gopal B et al. 3KG: contrastive learning of 12-lead electrocardiograms using
    physiologically-inspired augmentations. arXiv:2106.04452
    Kors JA et al. Eur Heart J 1990;11:1083-1092. doi:10.1093/oxfordjournals.eurheartj.a059647
    Dower GE et al. Clin Cardiol 1980;3:87-95. doi:10.1002/clc.1980.3.2.87

    Examples
    --------
    >>> AxisRotation(degrees=5)
    AxisRotation(degrees=5, probability=1.0)
    """

    name: ClassVar[str] = "axis-rotation"
    needs: ClassVar[str] = ""
    degrees: float = 10.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self)
        check_range(self, "degrees", 0, 90)

    def check(self, *, fs: float, leads: tuple[str, ...], one_scale: bool) -> None:
        """Refuse windows of which the heart vector cannot be estimated.

        Raises
        ------
        OptionError
            If they are not of the twelve leads in one scale.
        """
        if leads != STANDARD_12 or not one_scale:
            raise OptionError(
                "the augmentation 'axis-rotation' needs the 12 standard leads in their order and "
                "in one scale; these windows have "
                + (f"{', '.join(leads)}." if leads != STANDARD_12 else "a scale for each lead.")
                + " Leave it out, or prepare windows without scaling each lead by itself."
            )

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return windows of hearts that are turned."""
        self.check(fs=batch.fs, leads=batch.leads, one_scale=batch.one_scale)
        angles = torch.deg2rad(draws.between("angles", -self.degrees, self.degrees, 3))
        mixing = rotation_of_leads(angles).to(batch.windows.dtype)
        complete = batch.present.all(dim=1)[:, None, None]
        turned = torch.matmul(mixing, batch.windows)
        return replace(batch, windows=torch.where(complete, turned, batch.windows))


def rotation_of_leads(angles: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch 12 12"]:
    """Return the matrix that turns twelve leads as the heart turns.

    Parameters
    ----------
    angles
        About X (to the left), Y (downwards) and Z (backwards), one after the other, in radians.

    Examples
    --------
    >>> still = rotation_of_leads(torch.zeros(1, 3))
    >>> leads = still[0] @ still[0]
    >>> bool(torch.allclose(leads, still[0]))
    True
    """
    cos, sin = torch.cos(angles.double()), torch.sin(angles.double())
    turn = torch.eye(3, dtype=torch.float64).expand(len(angles), 3, 3)
    for axis, (a, b) in enumerate(((1, 2), (2, 0), (0, 1))):
        one = torch.eye(3, dtype=torch.float64).repeat(len(angles), 1, 1)
        one[:, a, a] = one[:, b, b] = cos[:, axis]
        one[:, a, b], one[:, b, a] = -sin[:, axis], sin[:, axis]
        turn = one @ turn
    change = turn - torch.eye(3, dtype=torch.float64)
    dower, kors = (torch.from_numpy(np.array(m.coefficients)) for m in (DOWER, KORS))
    independent = torch.eye(8, dtype=torch.float64) + dower @ change @ kors
    return _FORM @ independent @ _PICK


#: rows: twelve leads; columns: the eight independent ones
_FORM = torch.zeros(12, 8, dtype=torch.float64)
for _row, _lead in enumerate(STANDARD_12):
    if _lead in LIMB_FROM_I_II:
        _FORM[_row, :2] = torch.tensor(LIMB_FROM_I_II[_lead], dtype=torch.float64)
    else:
        _FORM[_row, INDEPENDENT_8.index(_lead)] = 1.0
_PICK = torch.zeros(8, 12, dtype=torch.float64)
for _row, _lead in enumerate(INDEPENDENT_8):
    _PICK[_row, STANDARD_12.index(_lead)] = 1.0
