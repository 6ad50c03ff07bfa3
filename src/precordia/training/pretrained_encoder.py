# SPDX-License-Identifier: Apache-2.0
"""What a pretraining gives: an encoder, how it was made, and where it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.core.record import Remark

if TYPE_CHECKING:
    from precordia.models.encoder import Encoder

#: folder of the encoder within that of the pretraining
ENCODER = "encoder"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pretrained:
    """An encoder, how it was made, and where it is.

    Attributes
    ----------
    folder
        Where everything is; the encoder is in ``encoder``.
    model
        The encoder, in evaluation mode.
    summary
        What ``pretraining.json`` says.
    remarks
        What was noticed.
    """

    folder: Path
    model: Encoder
    summary: dict[str, Any]
    remarks: tuple[Remark, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return folder, summary and remarks as plain texts and numbers."""
        remarks = [remark.text for remark in self.remarks]
        return {"folder": str(self.folder), **self.summary, "remarks": remarks}

    def __str__(self) -> str:
        s = self.summary
        lines = [
            f"{self.folder / ENCODER}: {s['architecture']} after {s['steps']} steps of "
            f"{s['objective']} on {s['n_records']} recordings of {s['n_patients']} patients; loss "
            f"{s['loss']:.4g}, effective rank {s['effective_rank'] or math.nan:.1f}, "
            f"{s['minutes']:.1f} minutes"
        ]
        return "\n".join([*lines, *(f"note: {remark.text}" for remark in self.remarks)])
