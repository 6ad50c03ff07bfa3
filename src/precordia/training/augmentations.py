# SPDX-License-Identifier: Apache-2.0
"""The augmentations: names, what each does, where it is. Listing them loads no PyTorch.

None of them turns time around, exchanges leads or inverts one: an electrocardiogram so changed is
another diagnosis.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from precordia.core.errors import OptionError, unknown_name
from precordia.core.registry import load_object


@dataclass(frozen=True, slots=True)
class Row:
    """One augmentation.

    Attributes
    ----------
    path
        Where its class is.
    does
        What it does to a window.
    keeps_limb_identities
        Whether III = II - I and its kin still hold afterwards where they held before.
    needs
        What it needs beside the window: ``"rpeaks"``, ``"partner"``, or nothing.
    moves_samples
        Whether what was at one sample is at another afterwards, or not at all, so that classes of
        samples no longer fit.
    """

    path: str
    does: str
    keeps_limb_identities: bool = True
    needs: str = ""
    moves_samples: bool = False


_TABLE = {
    "gain": Row(
        "precordia.training.augment_gain:Gain",
        "amplify all leads alike, and each electrode a little differently",
    ),
    "axis-rotation": Row(
        "precordia.training.augment_axis_rotation:AxisRotation",
        "turn the heart a little in the chest",
    ),
    "noise": Row(
        "precordia.training.augment_noise:Noise",
        "add recorded noise, or modelled where no recording is at hand, at the electrodes",
    ),
    "lead-masking": Row(
        "precordia.training.augment_lead_masking:LeadMasking",
        "take leads away and say that they are absent",
    ),
    "time-masking": Row(
        "precordia.training.augment_time_masking:TimeMasking",
        "blank short spans in all leads",
    ),
    "shift": Row(
        "precordia.training.augment_shift:Shift", "move the window in time", moves_samples=True
    ),
    "crop": Row(
        "precordia.training.augment_crop:Crop", "cut a shorter window out", moves_samples=True
    ),
    "beat-warping": Row(
        "precordia.training.augment_beat_warping:BeatWarping",
        "move and scale what lies between two R-peaks, smoothly",
        needs="rpeaks",
        moves_samples=True,
    ),
    "mixup": Row(
        "precordia.training.augment_mixup:Mixup",
        "mix two recordings and their labels",
        needs="partner",
        moves_samples=True,
    ),
}


def list_augmentations() -> tuple[str, ...]:
    """Return the names of all augmentations.

    Examples
    --------
    >>> "beat-warping" in list_augmentations()
    True
    """
    return tuple(_TABLE)


def describe_augmentation(name: str) -> Row:
    """Return the row of one augmentation, without loading it.

    Raises
    ------
    UnknownNameError
        If there is no such augmentation.

    Examples
    --------
    >>> describe_augmentation("gain").does
    'amplify all leads alike, and each electrode a little differently'
    """
    if name not in _TABLE:
        raise unknown_name("augmentation", name, _TABLE, listing=", ".join(_TABLE))
    return _TABLE[name]


def load_augmentation(name: str, **options: Any) -> Any:
    """Make one augmentation.

    Parameters
    ----------
    name
        One of `list_augmentations`.
    **options
        Its settings, such as ``probability``.

    Returns
    -------
    The augmentation, for `precordia.training.augmenter.Augmenter`.

    Raises
    ------
    UnknownNameError
        If there is no such augmentation or setting.
    OptionError
        If a setting is impossible.
    MissingExtraError
        If PyTorch is not installed.

    Examples
    --------
    >>> load_augmentation("gain", probability=0.5).probability
    0.5
    """
    made = load_object(describe_augmentation(name).path, extra="train", purpose="augmentation")
    known = [field.name for field in dataclasses.fields(made) if field.init]
    for option in options:
        if option not in known:
            raise unknown_name(f"setting of '{name}'", option, known, listing=", ".join(known))
    return made(**options)


def augmentations_from_tables(tables: Iterable[Mapping[str, Any]]) -> tuple[Any, ...]:
    """Make augmentations from tables of a configuration, each with its name and settings.

    Raises
    ------
    OptionError
        If a table has no name.

    Examples
    --------
    >>> made = augmentations_from_tables([{"name": "shift", "seconds": 0.2}])
    >>> made[0].seconds
    0.2
    """
    result = []
    for table in tables:
        settings = dict(table)
        name = settings.pop("name", None)
        if not isinstance(name, str):
            raise OptionError(
                "an augmentation without a name arrived; each needs one, such as "
                f'name = "gain". All: {", ".join(_TABLE)}.'
            )
        result.append(load_augmentation(name, **settings))
    return tuple(result)
