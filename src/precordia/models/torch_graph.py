# SPDX-License-Identifier: Apache-2.0
"""A folder of weights as a graph: the same calls as for the models that ship, run by PyTorch."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from precordia.core.cards import Card
from precordia.core.errors import WeightsError
from precordia.models.device import chosen_device, repeatable
from precordia.models.encoder import Encoder
from precordia.models.pretrained import from_pretrained
from precordia.models.runtime import Graph
from precordia.models.saved_model import read_saved

_LOCK = threading.RLock()
_LOADED: dict[tuple[str, str, str, bool], Graph] = {}


def load_saved_graph(folder: Path, *, name: str = "", half: bool = False) -> Graph:
    """Load a folder of weights; a second call in the same process returns the same.

    Parameters
    ----------
    folder
        A folder that ``save_pretrained`` or ``convert-weights`` wrote.
    name
        What it is called; the folder's own path where nothing is said.
    half
        Multiply with numbers of 16 bits (bfloat16), where the processor has that up to five times
        as fast. Vectors differ by about a hundredth.

    Returns
    -------
    The graph, ready to be called. It is told which leads are there where its input allows that
    some are not.

    Raises
    ------
    WeightsError
        If files are absent, damaged, or say nothing of the input.

    Notes
    -----
    The embedding is the pooled output of the encoder, as `Encoder.encode` gives it, in evaluation
    mode.
    """
    saved = read_saved(folder)
    spec = "" if saved.input_spec is None else saved.input_spec.fingerprint
    key = (str(folder.resolve()), saved.version, spec, half)
    with _LOCK:
        if key in _LOADED:
            return _LOADED[key]
        if saved.input_spec is None:
            raise WeightsError(
                f"'{folder}' does not say how a recording becomes its input. Save the model with "
                "save_pretrained(folder, input_spec=...)."
            )
        model = from_pretrained(folder).eval().requires_grad_(False).to(chosen_device())
        graph = Graph(
            name=name or os.fspath(folder),
            version=saved.version + ("-bf16" if half else ""),
            card=Card(
                name=name or folder.name,
                task=str(saved.details.get("title", saved.architecture)),
                data=saved.training_data,
                licence={"weights": str(saved.details.get("licence", "not stated"))},
                scores={},
                details=dict(saved.details),
            ),
            spec=replace(saved.input_spec, model=name or folder.name),
            classes=saved.classes,
            takes_present=saved.input_spec.missing_leads != "refuse",
            familiar=None,
            _session=_TorchSession(model, half),
        )
        _LOADED[key] = graph
        return graph


class _TorchSession:
    """An encoder that is called as a session of onnxruntime is."""

    def __init__(self, model: Encoder, half: bool) -> None:
        self._model, self._half = model, half
        self._device = next(model.parameters()).device

    def run(self, outputs: Sequence[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return scores and embeddings of windows."""
        model, device = self._model, self._device
        present = given.get("present")
        there = None if present is None else (torch.from_numpy(present) > 0).to(device)
        half = torch.autocast(device.type, torch.bfloat16, enabled=self._half)
        with torch.inference_mode(), repeatable(device), half:
            # PyTorch warns of arrays that nobody may write to; nobody does.
            windows = torch.from_numpy(np.require(given["window"], requirements="W")).to(device)
            embedding = model.encode(windows, there)
            logits = model.head(model.neck(embedding))
        found = {"logits": logits, "embedding": embedding}
        return [found[name].float().cpu().numpy() for name in outputs]


def _forget_after_fork() -> None:
    """Let a forked process load its own, with one thread: others do the same beside it."""
    global _LOCK
    _LOCK = threading.RLock()
    _LOADED.clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
