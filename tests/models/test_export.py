# SPDX-License-Identifier: Apache-2.0
"""Graphs: what onnxruntime makes of them, without our own code in between."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from precordia.core.errors import OptionError, OutputError, WeightsError
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import Resample, Window
from precordia.models.export import export_onnx
from precordia.models.load_model import load_model


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def windows(n=3, seed=0):
    random = np.random.default_rng(seed)
    return random.standard_normal((n, 12, 1000)).astype(np.float32)


def run(path, outputs, **given):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options).run(outputs, given)


def small(name="resnet1d", **options):
    return load_model(name, n_outputs=4, seconds=10, fs=100, **(options or {"width": 8}))


def test_any_batch_goes_through_a_graph(tmp_path):
    model = small().eval()
    export_onnx(model, tmp_path / "m.onnx")
    for n in (1, 2, 9):
        logits, embedding = run(tmp_path / "m.onnx", ["logits", "embedding"], window=windows(n))
        with torch.inference_mode():
            x = torch.from_numpy(windows(n))
            assert np.allclose(logits, model(x).numpy(), atol=1e-4)
            assert np.allclose(embedding, model.encode(x).numpy(), atol=1e-4)


def test_absent_leads_are_an_input_of_their_own(tmp_path):
    model = small("lead-agnostic", size="small").eval()
    report = export_onnx(model, tmp_path / "m.onnx")
    assert report.inputs == ("window", "present")
    x, present = windows(2), np.zeros((2, 12), np.float32)
    present[0, [0, 6]] = present[1, 3] = 1
    (logits,) = run(tmp_path / "m.onnx", ["logits"], window=x, present=present)
    x[present == 0] = 1e6
    (again,) = run(tmp_path / "m.onnx", ["logits"], window=x, present=present)
    assert np.array_equal(logits, again)
    with torch.inference_mode():
        expected = model(torch.from_numpy(x), torch.from_numpy(present)).numpy()
    assert np.allclose(logits, expected, atol=1e-4)


def test_normalisation_is_folded_into_convolutions(tmp_path):
    export_onnx(small(), tmp_path / "m.onnx")
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node)
    assert kinds["Conv"] == 20
    assert not kinds["BatchNormalization"]


@pytest.mark.parametrize(
    ("options", "weights", "smaller", "apart"),
    [
        ({"half": True}, "half", 1.8, 2e-3),
        ({"int8": True}, "int8", 3.0, 5e-2),
        ({"int8": "products"}, "int8-products", 2.0, 5e-2),
    ],
)
def test_fewer_bits_are_smaller_and_their_cost_is_told(options, weights, smaller, apart, tmp_path):
    model = small("vit1d", width=96, heads=6, depth=2)
    whole = export_onnx(model, tmp_path / "whole.onnx")
    report = export_onnx(model, tmp_path / "m.onnx", test_windows=windows(), **options)
    assert report.weights == weights
    assert report.n_bytes == (tmp_path / "m.onnx").stat().st_size
    assert whole.n_bytes > smaller * report.n_bytes
    (logits,) = run(tmp_path / "m.onnx", ["logits"], window=windows())
    (exact,) = run(tmp_path / "whole.onnx", ["logits"], window=windows())
    told = report.max_abs_difference["logits"]
    assert np.abs(logits - exact).max() == pytest.approx(told, abs=1e-4)
    assert 0 < told < apart * report.largest_output["logits"]


def test_the_embedding_can_be_left_away(tmp_path):
    report = export_onnx(small(), tmp_path / "m.onnx", embedding=False)
    assert report.outputs == ("logits",)
    with pytest.raises(OptionError, match="embedding=True"):
        model = load_model("resnet1d", n_outputs=0, width=4)
        export_onnx(model, tmp_path / "n.onnx", embedding=False)


def test_a_graph_that_differs_is_not_written(tmp_path, monkeypatch):
    from precordia.models import export

    real = export._expected
    monkeypatch.setattr(export, "_expected", lambda *a: {k: v + 1e-3 for k, v in real(*a).items()})
    with pytest.raises(WeightsError, match=r"logits of the graph differ by 0.001"):
        export_onnx(small(), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_is_kept_and_mistakes_are_sentences(tmp_path):
    export_onnx(small(), tmp_path / "m.onnx")
    with pytest.raises(OutputError, match="overwrite=True"):
        export_onnx(small(), tmp_path / "m.onnx")
    with pytest.raises(OptionError, match="one of them"):
        export_onnx(small(), tmp_path / "n.onnx", half=True, int8=True)
    with pytest.raises(OptionError, match="'products'"):
        export_onnx(small(), tmp_path / "n.onnx", int8="static")
    with pytest.raises(OptionError, match="test_windows"):
        export_onnx(small(), tmp_path / "n.onnx", test_windows=windows()[:, :3])
    spec = InputSpec(leads=("I",), fs=100, seconds=10, steps=(Resample(), Window()))
    with pytest.raises(OptionError, match="must agree"):
        export_onnx(small(), tmp_path / "n.onnx", input_spec=spec)


def test_a_model_is_left_as_it_was(tmp_path):
    model = small("s4", width=8, depth=1).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    export_onnx(model, tmp_path / "m.onnx")
    assert model.training
    assert not model.blocks[0].system.without_fourier
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
