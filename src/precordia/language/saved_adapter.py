# SPDX-License-Identifier: Apache-2.0
"""An adapter on disk: its own weights and a card that names the language model it was made for."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from precordia.core.errors import MissingFileError, WeightsError
from precordia.core.output import write_whole
from precordia.language.adapted_model import AdaptedModel
from precordia.language.causal_model import CausalModel, load_causal_model
from precordia.language.low_rank import LowRank
from precordia.language.make_adapter import make_adapter
from precordia.language.recording_input import RecordingInput
from precordia.models.device import chosen_device
from precordia.training.configuration_tables import toml_text

WEIGHTS, CARD, BASE = "adapter.safetensors", "adapter.toml", "base"
_ROOMS = ("adapter", "base", "low_rank", "input")


def save_adapter(
    model: AdaptedModel,
    recordings: RecordingInput,
    folder: str | Path,
    *,
    about: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an adapter: what it learned, and nothing of the language model.

    Parameters
    ----------
    model
        The adapted model.
    recordings
        What its adapter takes.
    folder
        Where; made if it is not there.
    about
        Further tables of the card: scores, data, licence, options.
    overwrite
        Replace an adapter that is there.

    Returns
    -------
    The folder. Where it holds its language model (``base``), the card says so.

    Raises
    ------
    OutputError
        If an adapter is there, or the disk refuses.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    base = model.base
    card: dict[str, Any] = {
        "made_for": f"{base.name}: {_words(base.about)}",
        "note": "Research software. What a language model says of a recording is not verified.",
        "adapter": {"name": model.adapter.name, "options": model.adapter.options()},
        "base": {
            "name": BASE if (place / BASE).is_dir() else base.name,
            "sha256": base.sha256,
            **{key: base.about[key] for key in ("type", "layers", "width", "words")},
        },
        "low_rank": model.low_rank.to_dict(),
        "input": recordings.to_table(),
        **dict(about or {}),
    }
    learned = {name: t.cpu().contiguous() for name, t in model.learned_state().items()}
    contents: dict[str | os.PathLike[str], bytes] = {
        place / WEIGHTS: save(learned),
        place / CARD: toml_text(card).encode(),
    }
    write_whole(contents, overwrite=overwrite)
    return place


def load_adapter(
    folder: str | Path, base: CausalModel | None = None, *, precision: str = "float32"
) -> tuple[AdaptedModel, RecordingInput, dict[str, Any]]:
    """Load an adapter onto the language model it was made for.

    Parameters
    ----------
    folder
        What `save_adapter` wrote.
    base
        The language model; by default it is loaded from where the card says.
    precision
        Of the language model, where it is loaded here.

    Returns
    -------
    The adapted model, what it takes of a recording, and the card.

    Raises
    ------
    MissingFileError
        If there is no adapter, or its language model is not where it was.
    WeightsError
        If a file is damaged, or the language model is another; the sentence names the difference.
    """
    place = Path(folder)
    card = _card(place)
    held = card["base"]
    if base is None:
        told = str(held["name"])
        at = place / BASE if told == BASE else Path(told)
        if not at.is_dir():
            raise MissingFileError(
                f"the language model of the adapter in '{place}' was in '{at}' and is not there; "
                f"it is a {_words(held)}. Give it (base=, --base)."
            )
        base = load_causal_model(at, precision=precision)
    _check_base(place, held, base)
    recordings = RecordingInput.from_table(card["adapter"]["name"], card["input"])
    adapter = make_adapter(
        card["adapter"]["name"],
        base.network,
        recordings.shape,
        options=card["adapter"]["options"],
    )
    model = AdaptedModel(base, adapter, LowRank(**card["low_rank"]))
    try:
        with safe_open(place / WEIGHTS, "pt") as file:
            learned = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"'{place / WEIGHTS}' is absent or damaged ({error}). Train the adapter again."
        ) from error
    model.load_learned(learned, of=f"the adapter in '{place}'")
    return model.to(chosen_device()).eval(), recordings, card


def _card(place: Path) -> dict[str, Any]:
    path = place / CARD
    if not path.is_file():
        raise MissingFileError(
            f"'{place}' holds no adapter; a folder that 'precordia adapt' wrote is needed."
        )
    try:
        card = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"'{path}' is no card ({error}). Train the adapter again.") from error
    for room in _ROOMS:
        if not isinstance(card.get(room), dict):
            raise WeightsError(f"'{path}' has no table [{room}]. Train the adapter again.")
    return card


def _check_base(place: Path, held: Mapping[str, Any], base: CausalModel) -> None:
    """Refuse another language model, and say in what it differs."""
    if held["sha256"] == base.sha256:
        return
    differ = [
        f"{key} {base.about[key]} instead of {held[key]}"
        for key in ("type", "layers", "width", "words")
        if base.about[key] != held[key]
    ]
    told = "; ".join(differ) or (
        f"the same shape, but other weights: {base.sha256[:12]} instead of {held['sha256'][:12]}"
    )
    raise WeightsError(
        f"the adapter in '{place}' was trained on '{held['name']}' and '{base.name}' is another "
        f"language model: {told}. Load it onto the one it was trained on."
    )


def _words(about: Mapping[str, Any]) -> str:
    return "{type} of {layers} layers, width {width}, {words} words".format(**about)
