# SPDX-License-Identifier: Apache-2.0
"""Where converted weights of a published encoder are, and what to do where they are not."""

from __future__ import annotations

from pathlib import Path

from precordia.core.errors import WeightsError
from precordia.core.settings import settings
from precordia.models.published_card import PublishedCard, published_card
from precordia.models.saved_model import CONFIG_FILE


def published_folder(name: str) -> Path:
    """Return the folder in which converted weights are looked for, whether it is there or not.

    Raises
    ------
    UnknownNameError
        If there is no published encoder of that name.

    Examples
    --------
    >>> published_folder("clef.small").name
    'clef.small'
    """
    return settings().models / published_card(name).name


def find_published(name: str) -> Path:
    """Return the folder of converted weights.

    Raises
    ------
    UnknownNameError
        If there is no published encoder of that name.
    WeightsError
        If its licence forbids the use, or nobody has converted its weights yet; the sentence says
        where they are published and how they are converted.
    """
    card = published_card(name)
    refuse_withheld(card)
    folder = published_folder(name)
    if not (folder / CONFIG_FILE).is_file():
        file = card.weights.file or "FILE"
        raise WeightsError(
            f"there are no weights of {name} in '{folder}'. Its authors publish "
            f"{card.weights.file or 'them'} at {card.weights.address} (licence: {card.licence}). "
            f"Fetch the file and run: precordia convert-weights {file} --model {name}"
        )
    return folder


def refuse_withheld(card: PublishedCard) -> None:
    """Refuse weights that may not be converted.

    Raises
    ------
    WeightsError
        Saying why.
    """
    if not card.convertible:
        raise WeightsError(
            f"weights of {card.name} are not converted: {card.reason} (licence: {card.licence}). "
            "See 'precordia models list' for others."
        )
