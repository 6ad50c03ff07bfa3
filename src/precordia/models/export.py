# SPDX-License-Identifier: Apache-2.0
"""A trained model as an ONNX graph that runs without PyTorch, compared with the model."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from precordia.core.errors import OptionError, WeightsError
from precordia.core.input_spec import InputSpec
from precordia.core.output import whole_file
from precordia.core.registry import load_object
from precordia.core.value import Value
from precordia.models.encoder import Encoder
from precordia.models.int8_products import compute_in_int8
from precordia.models.stored_weights import store_as_half, store_as_int8

#: an ONNX version that every onnxruntime since 1.14 runs
_OPSET = 18
#: a graph may differ so much from its model, relative to the largest output (or 1)
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport(Value):
    """What was written, and how far it is from the model.

    Attributes
    ----------
    path, n_bytes
        The file.
    weights
        ``"float32"``, ``"half"`` or ``"int8"``: how weights are stored, all being computed in
        float32; or ``"int8-products"``.
    inputs, outputs
        Names of the graph.
    max_abs_difference
        Largest difference of logits and of the embedding from the model's, over the test windows.
    largest_output
        Largest of what the model gave for them.
    n_test_windows
        How many they were.
    """

    path: str
    n_bytes: int
    weights: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    max_abs_difference: dict[str, float]
    largest_output: dict[str, float]
    n_test_windows: int

    def __str__(self) -> str:
        apart = ", ".join(f"{k} {v:.2g}" for k, v in self.max_abs_difference.items())
        return (
            f"{self.path}: {self.n_bytes:,} bytes, {self.weights} weights, largest difference from "
            f"the model: {apart}"
        )


def export_onnx(
    model: Encoder,
    path: str | os.PathLike[str],
    *,
    input_spec: InputSpec | None = None,
    embedding: bool = True,
    present: bool | None = None,
    half: bool = False,
    int8: bool | Literal["products"] = False,
    overwrite: bool = False,
    test_windows: np.ndarray | None = None,
    seed: int = 0,
) -> ExportReport:
    """Write a model as an ONNX graph and compare both.

    Parameters
    ----------
    model
        The model; it is exported in evaluation mode.
    path
        File to write.
    input_spec
        What the graph will be given; refused where it does not fit the model. The model's own
        where it is not given.
    embedding
        Whether the embedding is an output beside the logits.
    present
        Whether the graph has an input that says which leads are there. By default those models
        have it that leave out absent leads.
    half, int8
        Store weights with 16 bits, or with 8 bits and a scale for each output channel. With
        ``int8="products"`` products of matrices are also computed with 8 bits, which makes
        transformers faster; other weights keep 32.
    overwrite
        Replace a file that is there.
    test_windows
        Windows (window, lead, sample) for the comparison; noise where they are not given. Give
        real ones for the difference of ``half`` and ``int8`` to mean something.
    seed
        Of the noise.

    Returns
    -------
    Size, names, and the measured difference.

    Raises
    ------
    OptionError
        If arguments contradict one another.
    WeightsError
        If the graph with float32 weights differs from the model by more than 1e-4 of the largest
        output; nothing is written then.
    OutputError
        If the file exists, or the disk refuses.
    MissingExtraError
        If onnx is not installed.

    Notes
    -----
    The graph has the inputs ``window`` (batch, lead, sample) and, if so, ``present`` (batch, lead),
    both float32, with any batch, and the outputs ``logits`` and ``embedding``. Logits of samples
    are (batch, class, sample), and nothing of the package runs such a graph yet. Batch
    normalisation is folded into the convolution before it. State-space layers go block by block,
    as graphs know no Fourier transform.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.models.load_model import load_model
    >>> model = load_model("resnet1d", n_outputs=2, width=4)
    >>> report = export_onnx(model, tempfile.mkdtemp() + "/small.onnx")
    >>> report.outputs, report.max_abs_difference["logits"] < 1e-4
    (('logits', 'embedding'), True)
    """
    if half and int8:
        raise OptionError("half and int8 were both asked for; one of them, or neither, is needed.")
    if int8 not in (True, False, "products"):
        raise OptionError(f"int8 is {int8!r}; True, False or 'products' is needed.")
    spec = model.input_spec if input_spec is None else input_spec
    _check_spec(model, spec)
    if present is None:
        present = model.leaves_out_absent
    onnx = load_object("onnx:load_model_from_string", extra="train", purpose="an ONNX graph")
    windows, there = _test_input(model, test_windows, present, seed)
    outputs = _output_names(model, embedding)
    with _ready(model):
        graph = onnx(_traced(model, windows, there, outputs))
        expected = _expected(model, windows, there, outputs)
    _name_dimensions(graph, outputs)
    weights = "float32"
    if half:
        weights = "half"
        store_as_half(graph)
    elif int8 == "products":
        weights = "int8-products"
        graph = compute_in_int8(graph)
    elif int8:
        weights = "int8"
        store_as_int8(graph)
    content = graph.SerializeToString()
    given = _given(windows, there)
    apart = _differences(content, given, expected)
    largest = {name: float(np.abs(array).max()) for name, array in expected.items()}
    for name, difference in apart.items():
        if weights == "float32" and not difference <= TOLERANCE * max(1.0, largest[name]):
            raise WeightsError(
                f"the {name} of the graph differ by {difference:.3g} from the model's (up to "
                f"{largest[name]:.3g}); at most {TOLERANCE:g} of it is allowed. Nothing was "
                "written. Look for a layer that ONNX knows otherwise."
            )
    with whole_file(path, overwrite=overwrite) as part:
        part.write_bytes(content)
    return ExportReport(
        path=str(path),
        n_bytes=len(content),
        weights=weights,
        inputs=tuple(given),
        outputs=outputs,
        max_abs_difference=apart,
        largest_output=largest,
        n_test_windows=len(windows),
    )


class _Graph(nn.Module):
    """What the graph computes: a tuple in the order of its outputs."""

    def __init__(self, model: Encoder, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, window: Tensor, present: Tensor | None = None) -> tuple[Tensor, ...]:
        pooled = self.model.encode(window, present)
        if self.model.outputs == "sample" and self.model.n_outputs:
            logits = self.model(window, present)
        else:
            logits = self.model.head(self.model.neck(pooled))
        return tuple(pooled if name == "embedding" else logits for name in self.outputs)


def _output_names(model: Encoder, embedding: bool) -> tuple[str, ...]:
    names = (*(("logits",) if model.n_outputs else ()), *(("embedding",) if embedding else ()))
    if not names:
        raise OptionError(
            "the model has no head and embedding is False; the graph would give nothing. Use "
            "embedding=True."
        )
    return names


def _check_spec(model: Encoder, spec: InputSpec | None) -> None:
    shape = model.shape
    if spec and (spec.n_leads, spec.n_samples) != (shape.n_leads, shape.n_samples):
        raise OptionError(
            f"the input has {spec.n_leads} leads and {spec.n_samples} samples; the model has "
            f"{shape.n_leads} and {shape.n_samples}. They must agree."
        )


def _test_input(
    model: Encoder, windows: np.ndarray | None, present: bool, seed: int
) -> tuple[Tensor, Tensor | None]:
    shape, random = model.shape, np.random.default_rng(seed)
    if windows is None:
        windows = random.standard_normal((4, shape.n_leads, shape.n_samples))
    windows = np.asarray(windows, np.float32)
    if windows.ndim != 3 or windows.shape[1:] != (shape.n_leads, shape.n_samples):
        raise OptionError(
            f"test_windows has the shape {windows.shape}; (window, {shape.n_leads}, "
            f"{shape.n_samples}) is needed."
        )
    if not present:
        return torch.from_numpy(windows), None
    there = random.random(windows.shape[:2]) < 0.5
    there[:, 0] = True
    there[0] = True  # one window at least has all of its leads
    return torch.from_numpy(windows), torch.from_numpy(there.astype(np.float32))


def _given(windows: Tensor, there: Tensor | None) -> dict[str, np.ndarray]:
    given = {"window": windows.numpy()}
    return given if there is None else {**given, "present": there.numpy()}


@contextlib.contextmanager
def _ready(model: Encoder) -> Iterator[None]:
    """Put a model into evaluation on the processor, with layers as a graph can have them."""
    was_training = model.training
    like = next(model.parameters())
    systems = [m for m in model.modules() if hasattr(m, "without_fourier")]
    try:
        model.eval().to("cpu", torch.float32)
        for system in systems:
            system.without_fourier = True  # type: ignore[assignment]
        with torch.no_grad():
            yield
    finally:
        for system in systems:
            system.without_fourier = False  # type: ignore[assignment]
        model.to(like.device, like.dtype).train(was_training)


def _traced(
    model: Encoder, windows: Tensor, there: Tensor | None, outputs: tuple[str, ...]
) -> bytes:
    file = io.BytesIO()
    given = (windows,) if there is None else (windows, there)
    names = ["window"] if there is None else ["window", "present"]
    with warnings.catch_warnings():
        # Lengths are fixed on purpose, which tracing warns of; so it does of its own age.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Graph(model, outputs).eval(),
            given,
            file,
            dynamo=False,
            opset_version=_OPSET,
            input_names=names,
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in (*names, *outputs)},
        )
    return file.getvalue()


def _expected(
    model: Encoder, windows: Tensor, there: Tensor | None, outputs: tuple[str, ...]
) -> dict[str, np.ndarray]:
    given = _Graph(model, outputs).eval()(windows, there)
    return {name: array.numpy() for name, array in zip(outputs, given, strict=True)}


def _name_dimensions(graph: Any, outputs: tuple[str, ...]) -> None:
    """Name the dimensions of inputs and outputs, and say who made the graph."""
    names = {"window": ("lead", "sample"), "present": ("lead",)}
    graph.producer_name = "precordia"
    for value in (*graph.graph.input, *graph.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        for dimension, name in zip(dimensions[1:], names.get(value.name, ()), strict=False):
            if not dimension.dim_value:
                dimension.dim_param = name
    assert {v.name for v in graph.graph.output} == set(outputs)


def _differences(
    content: bytes, given: dict[str, np.ndarray], expected: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return the largest difference of each output, for all windows at once and for the first."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    apart = dict.fromkeys(expected, 0.0)
    for rows in (slice(None), slice(0, 1)):
        found = session.run(list(expected), {name: array[rows] for name, array in given.items()})
        for name, array in zip(expected, found, strict=True):
            apart[name] = max(apart[name], float(np.abs(array - expected[name][rows]).max()))
    return apart
