# SPDX-License-Identifier: Apache-2.0
"""Run the graphs that ship with the package: ONNX, one thread, no training framework."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.cards import Card
from precordia.core.errors import MissingExtraError, SignalError, WeightsError
from precordia.core.input_spec import InputSpec
from precordia.models.familiar import Familiar, read_familiar
from precordia.models.shipped import SHIPPED, model_bytes, model_card

#: windows given to a graph at once: more are no faster on one core and hold more memory
SLICE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphOutput:
    """What a graph says of windows.

    Attributes
    ----------
    logits
        One number for each window and class, before calibration.
    embedding
        The pooled vector of each window.
    """

    logits: Float[np.ndarray, "window statement"]
    embedding: Float[np.ndarray, "window dim"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A model as a graph, loaded: call it with windows.

    Attributes
    ----------
    name, version
        The model; the version are the first digits of the checksum of its graph.
    card
        What it is, from which data, with which scores.
    spec
        How a record becomes its windows.
    classes
        Code of each logit; empty for a graph without classes.
    takes_present
        Whether it is told which leads are there.
    familiar
        Where the records that it learned from lie; None where the card does not say.
    """

    name: str
    version: str
    card: Card
    spec: InputSpec
    classes: tuple[str, ...]
    takes_present: bool
    familiar: Familiar | None
    _session: Any

    def __call__(
        self,
        windows: Float[np.ndarray, "window lead sample"],
        present: Bool[np.ndarray, "window lead"] | None = None,
    ) -> GraphOutput:
        """Run the graph, a slice of windows at a time.

        Parameters
        ----------
        windows
            As `precordia.embedding.prepare.prepare` makes them with the graph's ``spec``.
        present
            Which leads are there; all by default. Rows of leads that are not are ignored.

        Returns
        -------
        Logits and embeddings of every window.

        Raises
        ------
        SignalError
            If shapes are not those of the graph.
        WeightsError
            If the graph cannot be run.
        """
        windows = np.ascontiguousarray(windows, np.float32)
        shape = (self.spec.n_leads, self.spec.n_samples)
        if windows.ndim != 3 or windows.shape[1:] != shape:
            raise SignalError(
                f"windows of shape {windows.shape} arrived; {self.name} takes (window, {shape[0]}, "
                f"{shape[1]}). Make them with prepare(record, spec)."
            )
        if present is None:
            present = np.ones(windows.shape[:2], bool)
        if present.shape != windows.shape[:2]:
            raise SignalError(
                f"present has shape {present.shape}; {windows.shape[:2]} is needed: one entry for "
                "each window and lead."
            )
        if not self.takes_present and not present.all():
            raise SignalError(
                f"leads are missing and {self.name} needs all {shape[0]}. Use a model for any "
                "leads: precordia-any-lead."
            )
        parts = [
            self._run(windows[k : k + SLICE], present[k : k + SLICE]) for k in _starts(windows)
        ]
        logits, embedding = (np.concatenate(column) for column in zip(*parts, strict=True))
        return GraphOutput(logits=logits, embedding=embedding)

    def _run(self, windows: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        given = {"window": windows}
        if self.takes_present:
            given["present"] = present.astype(np.float32)
        try:
            logits, embedding = self._session.run(["logits", "embedding"], given)
        except Exception as error:  # onnxruntime has no family of errors of its own
            raise WeightsError(
                f"the graph of {self.name} cannot be run ({_first_line(error)}). Install precordia "
                "anew."
            ) from error
        return logits, embedding


_LOCK = threading.RLock()
_LOADED: dict[str, Graph] = {}


def load_graph(name: str, *, n_threads: int = 1) -> Graph:
    """Load a model; a second call in the same process returns the same.

    Parameters
    ----------
    name
        One of the names in ``precordia.models.shipped.SHIPPED``, or the path of a graph
        (``.onnx``) with its card (``.toml``) beside it.
    n_threads
        Threads within one run of the graph. The default leaves cores to other processes.

    Returns
    -------
    The graph, ready to be called; by several threads at once if need be.

    Raises
    ------
    UnknownNameError
        If there is no model of that name.
    WeightsError
        If files are absent, damaged, or do not belong together.
    MissingExtraError
        If onnxruntime is not installed.
    """
    key = f"{name}:{n_threads}"
    with _LOCK:
        if key not in _LOADED:
            _LOADED[key] = _load(name, n_threads)
        return _LOADED[key]


def _forget_after_fork() -> None:
    """Let a forked process load its own: threads of a session do not survive the fork."""
    global _LOCK
    _LOCK = threading.RLock()
    _LOADED.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def _load(name: str, n_threads: int) -> Graph:
    card = model_card(name)
    weights = model_bytes(name, ".onnx")
    digest = hashlib.sha256(weights).hexdigest()
    promised = card.details.get("sha256", "")
    if digest != promised:
        raise WeightsError(
            f"the graph of {name} has the checksum {digest[:12]}, its card says "
            f"{str(promised)[:12] or 'nothing'}: a file is damaged or of another version. Install "
            "precordia anew."
        )
    session = _session(name, weights, n_threads)
    inputs = {i.name for i in session.get_inputs()}
    outputs = {o.name: o.shape for o in session.get_outputs()}
    if not {"window"} <= inputs <= {"window", "present"} or not {"logits", "embedding"} <= {
        *outputs
    }:
        raise WeightsError(
            f"the graph of {name} takes {', '.join(sorted(inputs))} and gives "
            f"{', '.join(sorted(outputs))}; window (and present) in, logits and embedding out are "
            "needed. Install precordia anew."
        )
    classes = tuple(card.details.get("classes", ()))
    n_logits = outputs["logits"][-1]
    if isinstance(n_logits, int) and n_logits != len(classes):
        raise WeightsError(
            f"the graph of {name} gives {n_logits} logits and its card names {len(classes)} "
            "classes; they must agree. Install precordia anew."
        )
    return Graph(
        name=name if name in SHIPPED else card.name,
        version=digest[:12],
        card=card,
        spec=InputSpec.from_table(card.input, model=name),
        classes=classes,
        takes_present="present" in inputs,
        familiar=read_familiar(name, card),
        _session=session,
    )


def _session(name: str, weights: bytes, n_threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            f"the model {name} needs onnxruntime, which is not installed. Install it with: "
            "pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no family of errors of its own
        raise WeightsError(
            f"the graph of {name} cannot be loaded ({_first_line(error)}). Install precordia anew."
        ) from error


def _starts(windows: np.ndarray) -> range:
    return range(0, max(len(windows), 1), SLICE)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
