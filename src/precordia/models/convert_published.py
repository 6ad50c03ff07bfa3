# SPDX-License-Identifier: Apache-2.0
"""A checkpoint of a published encoder becomes a folder, with all that its card says."""

from __future__ import annotations

import os
from pathlib import Path

from precordia.core.errors import WeightsError
from precordia.models.convert import convert_weights
from precordia.models.encoder import Encoder
from precordia.models.published_card import published_card
from precordia.models.published_folder import published_folder, refuse_withheld


def convert_published(
    file: str | os.PathLike[str],
    name: str,
    *,
    to: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> tuple[Encoder, Path]:
    """Turn a checkpoint that authors publish into a folder that `embed` finds by name.

    Parameters
    ----------
    file
        The checkpoint, as the authors publish it.
    name
        One of `list_published`.
    to
        Folder to write; where `embed` looks for it by default.
    overwrite
        Replace a model that is there.

    Returns
    -------
    The model with the weights, and the folder.

    Raises
    ------
    UnknownNameError
        If there is no published encoder of that name.
    WeightsError
        If its licence forbids the use, or as `precordia.models.convert.convert_weights`.

    Notes
    -----
    Architecture, options, input, classes and training data are those of the card; every key of the
    checkpoint is used or knowingly left out. Python objects beside the weights (settings of a
    training program) are left unread.
    """
    card = published_card(name)
    refuse_withheld(card)
    folder = published_folder(name) if to is None else Path(to)
    spec = card.input
    assert spec is not None
    details = {
        "published": card.name,
        "title": card.title,
        "licence": card.licence,
        "paper": card.paper,
        "weights": card.weights.address,
        "embedding": card.embedding,
        "lead": card.lead,
    }
    try:
        made = convert_weights(
            file,
            model=card.architecture,
            to=folder,
            overwrite=overwrite,
            input_spec=spec,
            classes=card.classes,
            training_data=card.training_data,
            details=details,
            objects="leave",
            leads=spec.leads,
            n_samples=spec.n_samples,
            fs=spec.fs,
            **card.options,
        )
    except WeightsError as error:
        where = " ".join(part for part in (card.weights.address, card.weights.file) if part)
        raise WeightsError(f"{error} {card.name} is published at {where}.") from error
    return made, folder
