# SPDX-License-Identifier: Apache-2.0
"""Several networks become one graph with a card: ONNX, calibration, thresholds, statistics."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from precordia.models.aligned_beats import AlignedBeatsNet

BOX = Path(__file__).parents[2] / "src" / "precordia" / "models" / "box"


class Committee(nn.Module):
    """Networks that share their eyes: the mean of their logits, and their joint embedding.

    Parameters
    ----------
    members
        Networks that were trained alike, with other seeds.
    mean
        What is taken off the joint embedding.
    keep
        Rows: directions of the joint embedding that are kept.
    likeness
        What else has a say, as much as all networks together.
    """

    def __init__(
        self,
        members: list[AlignedBeatsNet],
        mean: np.ndarray,
        keep: np.ndarray,
        *,
        likeness: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.likeness = likeness
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.register_buffer("keep", torch.from_numpy(keep.astype(np.float32)))

    def forward(self, window: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits and embedding."""
        if present is None:
            present = torch.ones_like(window[:, :, 0])
        window = window * present[:, :, None]
        view = self.members[0].look(window, present)
        vectors = [m.pool(m.tokens_of(view, present), present) for m in self.members]
        each = torch.stack([m.head(v) for m, v in zip(self.members, vectors, strict=True)])
        logits = each.mean(0)
        if self.likeness is not None:
            logits = 0.5 * logits + 0.5 * self.likeness(view)
        return logits, (torch.cat(vectors, 1) - self.mean) @ self.keep.T


def directions(vectors: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of embeddings and the directions in which they vary most."""
    mean = vectors.mean(0)
    _, _, rows = np.linalg.svd(vectors - mean, full_matrices=False)
    return mean, rows[:dim]


def write_graph(model: Committee, path: Path, *, any_lead: bool) -> None:
    """Write the graph; large weights that 16 bits hold exactly are kept in 16 bits."""
    import onnx
    from onnx import helper, numpy_helper

    window, present = torch.randn(2, 12, 1000), torch.ones(2, 12)
    given = (window, present) if any_lead else (window,)
    names = ["window", "present"][: len(given)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            given,
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=names,
            output_names=["logits", "embedding"],
            dynamic_axes={name: {0: "batch"} for name in (*names, "logits", "embedding")},
        )
    graph = onnx.load(path)
    graph.ir_version = 8
    graph.producer_name, graph.producer_version, graph.doc_string = "precordia", "", ""
    for node in graph.graph.node:
        node.doc_string = ""
    casts = []
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 256:
            continue
        small = values.astype(np.float16)
        if np.array_equal(small.astype(np.float32), values):
            kept = numpy_helper.from_array(small, f"{weight.name}.half")
            casts.append(helper.make_node("Cast", [kept.name], [weight.name], to=1))
            weight.CopyFrom(kept)
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


def run_graph(path: Path, windows: np.ndarray, present: np.ndarray | None = None):
    """Run a graph on windows, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    parts = []
    for start in range(0, len(windows), 16):
        given = {"window": windows[start : start + 16]}
        if any(i.name == "present" for i in session.get_inputs()):
            shown = np.ones(given["window"].shape[:2]) if present is None else present[start:][:16]
            given["present"] = shown.astype(np.float32)
        parts.append(session.run(["logits", "embedding"], given))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def write_familiar(path: Path, vectors: np.ndarray, unseen: np.ndarray) -> float:
    """Write mean and precision of embeddings; return the 99th percentile of unseen records.

    Records that networks learned from lie closer to one another than new ones of the same kind, so
    the limit comes from recordings that they have not seen.
    """
    mean = vectors.mean(0)
    centred = vectors - mean
    covariance = centred.T @ centred / len(vectors)
    covariance += 0.01 * np.trace(covariance) / len(mean) * np.eye(len(mean))
    precision = np.linalg.inv(covariance)
    away = unseen - mean
    distance = np.sqrt(np.einsum("ij,jk,ik->i", away, precision, away))
    np.savez(path, mean=mean.astype(np.float32), precision=precision.astype(np.float32))
    return float(np.quantile(distance, 0.99))


def write_card(path: Path, card: dict) -> None:
    """Write a card: plain entries first, then tables."""
    digest = hashlib.sha256(path.with_suffix(".onnx").read_bytes()).hexdigest()
    lines = ["# SPDX-License-Identifier: Apache-2.0"]
    plain = {k: v for k, v in card.items() if not isinstance(v, dict)} | {"sha256": digest}
    lines += [f"{key} = {_toml(value)}" for key, value in plain.items()]
    for key, table in card.items():
        if isinstance(table, dict):
            lines += ["", f"[{key}]", *(f"{_key(k)} = {_toml(v)}" for k, v in table.items())]
    path.with_suffix(".toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)


def _toml(value) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(v, (str, dict)) for v in value) and len(value) > 2:
            return "[\n" + "".join(f"  {_toml(v)},\n" for v in value) + "]"
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return repr(round(float(value), 6))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)
