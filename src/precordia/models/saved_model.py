# SPDX-License-Identifier: Apache-2.0
"""A folder of saved weights: what it says of itself, before any weight is loaded."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from precordia.core.errors import PrecordiaError, WeightsError
from precordia.core.input_spec import InputSpec
from precordia.core.registry import load_object
from precordia.core.settings import settings
from precordia.models.signal_shape import SignalShape, resolve_shape

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
FORMAT = "precordia-model"
#: where 'precordia train' and 'precordia pretrain' put the model in their folders
INSIDE = ("model", "encoder")
#: raised when an older version of the package could not read the folder
FORMAT_VERSION = 1
#: a description is a page, not a database
_LARGEST_CONFIG = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModel:
    """What the description of a folder says.

    Attributes
    ----------
    folder
        Where it is.
    architecture, options, n_outputs, shape
        What makes the model again.
    sha256, n_bytes
        Of the file of weights.
    input_spec
        How recordings become inputs, where it is known.
    classes, training_data, details
        As in `Encoder`.
    """

    folder: Path
    architecture: str
    n_outputs: int
    shape: SignalShape
    sha256: str
    n_bytes: int
    options: dict[str, Any] = field(default_factory=dict)
    input_spec: InputSpec | None = None
    classes: tuple[str, ...] = ()
    training_data: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def weights(self) -> Path:
        """The file of weights."""
        return self.folder / WEIGHTS_FILE

    @property
    def version(self) -> str:
        """First digits of the checksum of the weights, and digits of the network they fill.

        The same weights say something else in a network with other options: with more heads of
        attention, with beats found in another way.
        """
        shape = self.shape
        network = [self.architecture, self.options, shape.leads, shape.n_leads, shape.n_samples]
        text = json.dumps([*network, shape.fs], sort_keys=True, default=str)
        return f"{self.sha256[:12]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def find_saved(where: str | os.PathLike[str] | SavedModel) -> SavedModel:
    """Read the description of a local folder or, if there is none, of a repository on the hub.

    Parameters
    ----------
    where
        Folder, that of a whole training too, or ``"owner/name"``, with ``"@revision"`` behind it
        if one is meant; what was read before is returned.

    Raises
    ------
    WeightsError
        If there is neither, or the description is damaged.
    MissingExtraError
        If the hub would be asked and huggingface-hub is not installed.
    """
    if isinstance(where, SavedModel):
        return where
    folder = Path(where)
    if folder.is_dir():
        return read_saved(folder)
    if folder.exists():
        raise WeightsError(
            f"'{folder}' is a file; a folder that save_pretrained wrote is needed. A checkpoint of "
            "another program becomes one with 'precordia convert-weights'."
        )
    name = os.fspath(where)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise WeightsError(
            f"there is no folder '{name}'. A folder that save_pretrained wrote is needed, or "
            "'owner/name' of a repository on the Hugging Face hub."
        )
    return read_saved(_from_hub(name))


def _inside(folder: Path) -> Path:
    """Return the folder of the model, where that of a training was named."""
    if (folder / CONFIG_FILE).exists():
        return folder
    inner = (folder / name for name in INSIDE)
    return next((place for place in inner if (place / CONFIG_FILE).is_file()), folder)


def _from_hub(name: str) -> Path:
    repository, _, revision = name.partition("@")
    if settings().offline:
        raise WeightsError(
            f"there is no folder '{name}', and PRECORDIA_OFFLINE forbids to look for it on the "
            "Hugging Face hub. Unset it, or name a folder."
        )
    download = load_object(
        "huggingface_hub:snapshot_download", extra="hub", purpose=f"fetching '{name}'"
    )
    try:
        place = download(
            repository,
            revision=revision or None,
            allow_patterns=[CONFIG_FILE, WEIGHTS_FILE],
            cache_dir=str(settings().cache / "hub"),
        )
    except Exception as error:  # the hub's client has a family of errors of its own
        reason = str(error).strip().splitlines()
        raise WeightsError(
            f"'{name}' is no folder here and could not be fetched from the Hugging Face hub "
            f"({reason[0] if reason else type(error).__name__}). Check the name and the network."
        ) from error
    return Path(place)


def read_saved(folder: Path) -> SavedModel:
    """Read the description of a folder that `save_pretrained` wrote, or that of a training.

    Raises
    ------
    WeightsError
        If files are absent, or the description is damaged or of a newer version.
    """
    folder = _inside(folder)
    place = folder / CONFIG_FILE
    for file in (place, folder / WEIGHTS_FILE):
        if not file.is_file():
            raise WeightsError(
                f"the folder '{folder}' has no {file.name}; a folder that save_pretrained wrote "
                f"has {CONFIG_FILE} and {WEIGHTS_FILE}."
            )
    try:
        if place.stat().st_size > _LARGEST_CONFIG:
            raise ValueError("it is too large to be a description")
        config = json.loads(place.read_text(encoding="utf-8"))
        if not isinstance(config, Mapping) or config.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        if config.get("format_version") != FORMAT_VERSION:
            raise ValueError(
                f"its version is {config.get('format_version')!r}, this package reads "
                f"{FORMAT_VERSION}"
            )
        return _saved(folder, config)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, PrecordiaError) as error:
        said = f"no entry {error}" if type(error) is KeyError else str(error)
        raise WeightsError(
            f"'{place}' cannot be read ({said}). Save the model again with save_pretrained, or "
            "update precordia."
        ) from error


def _saved(folder: Path, config: Mapping[str, Any]) -> SavedModel:
    signal = config["signal"]
    shape = resolve_shape(
        n_leads=signal["n_leads"],
        leads=tuple(signal["leads"]) or None,
        n_samples=signal["n_samples"],
        fs=signal["fs"],
        usual=SignalShape(n_leads=signal["n_leads"], n_samples=1, fs=1.0),
    )
    n_outputs, weights, table = config["n_outputs"], config["weights"], config.get("input")
    if isinstance(n_outputs, bool) or not isinstance(n_outputs, int) or n_outputs < 0:
        raise ValueError(f"n_outputs is {n_outputs!r}")
    if not isinstance(config["options"], dict) or not isinstance(config["details"], dict):
        raise ValueError("options and details must be tables")
    return SavedModel(
        folder=folder,
        architecture=str(config["architecture"]),
        n_outputs=n_outputs,
        shape=shape,
        sha256=str(weights["sha256"]),
        n_bytes=int(weights["bytes"]),
        options=config["options"],
        input_spec=None if table is None else InputSpec.from_table(table),
        classes=tuple(map(str, config["classes"])),
        training_data=tuple(map(str, config["training_data"])),
        details=config["details"],
    )


def check_hash(saved: SavedModel) -> None:
    """Refuse weights that are not those that were described.

    Raises
    ------
    WeightsError
        If length or SHA-256 differ.
    """
    size = saved.weights.stat().st_size
    if size != saved.n_bytes:
        raise WeightsError(
            f"'{saved.weights}' has {size} bytes, and {CONFIG_FILE} describes {saved.n_bytes}; the "
            "file is damaged or of another model. Copy or fetch the folder again."
        )
    digest = hashlib.sha256()
    with saved.weights.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != saved.sha256:
        raise WeightsError(
            f"the SHA-256 of '{saved.weights}' is not the one in {CONFIG_FILE}; the file is "
            "damaged or of another model. Copy or fetch the folder again."
        )
