# SPDX-License-Identifier: Apache-2.0
"""ProtoECGNet: scores are made of likenesses, prototypes belong to statements, files are read.

That the outputs are the authors' is in ``tests/benchmarking/test_parity.py``.
"""

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError, WeightsError
from precordia.models.export import TOLERANCE, export_onnx
from precordia.models.load_model import load_model
from precordia.models.pretrained import from_pretrained
from precordia.models.take_weights import take_weights

SMALL = {"width": 2, "prototypes": 6, "fs": 100, "seconds": 5}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(n_outputs=3, **options):
    return load_model("proto-ecg", n_outputs=n_outputs, **(SMALL | options)).eval()


def authors_state(model, before=""):
    """Weights of a small branch by the authors' keys: ours renamed back, with their tables."""
    parts = {"path.0": "conv1", "path.1": "bn1", "path.3": "conv2", "path.4": "bn2"}
    parts |= {"around.0": "downsample.0", "around.1": "downsample.1"}
    state = {}
    for key, value in model.state_dict().items():
        name = key.replace("refine.", "add_on_layers.").replace("head.", "classifier.")
        name = name.replace("neck.prototypes", "prototype_vectors")
        name = name.replace("stem.0.", "feature_extractor.conv1.")
        name = name.replace("stem.1.", "feature_extractor.bn1.")
        if key.startswith("blocks."):
            _, stage, block, part, number, kind = key.split(".")
            name = f"feature_extractor.layer{int(stage) + 1}.{block}.{parts[f'{part}.{number}']}"
            name += f".{kind}"
        state[before + name] = value
    state.pop(f"{before}classifier.bias", None)
    state[f"{before}ones"] = torch.ones(6, 16)
    state[f"{before}prototype_class_identity"] = torch.zeros(6, 3)
    return state


@pytest.mark.parametrize("before", ["", "model.", "model.model."])
def test_a_checkpoint_is_read_and_its_head_has_no_offset(before):
    model, other = make(), make(seed=1)
    state = authors_state(model, before) | {"model.criterion.pos_weight": torch.ones(3)}
    take_weights(other, state, source="file")
    x = torch.randn(2, 12, 500)
    with torch.inference_mode():
        assert torch.equal(model(x), other(x))
    assert not other.head.bias.any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("add_on_layers.2.bias"), r"1 missing \(refine.2.bias"),
        (lambda s: s.update({"fc.bias": torch.zeros(1)}), r"1 extra \(fc.bias"),
        (
            lambda s: s.update({"prototype_vectors": torch.zeros(9, 16)}),
            "neck.prototypes 9x16 for 6x16",
        ),
    ],
)
def test_other_weights_are_refused_by_their_keys(change, said):
    state = authors_state(make())
    change(state)
    with pytest.raises(WeightsError, match=said):
        take_weights(make(), state, source="file")


def test_a_likeness_is_the_cosine_or_the_logarithm_of_a_distance():
    x = torch.randn(2, 12, 500)
    for likeness in ("cosine", "distance"):
        model = make(likeness=likeness)
        with torch.inference_mode():
            found, scores = model.likeness_to_prototypes(x), model(x)
            embedding = model.encode(x).double().numpy()
        prototypes = model.neck.prototypes.detach().double().numpy()
        expected = np.zeros((2, 6))
        for b, e in enumerate(embedding):
            for k, p in enumerate(prototypes):
                d = np.linalg.norm(e - p)
                cosine = e @ p / np.linalg.norm(e) / np.linalg.norm(p)
                expected[b, k] = cosine if likeness == "cosine" else np.log((d + 1) / (d + 1e-4))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
        # Each score is the sum of what its prototypes contribute, so that it can be explained.
        weight, bias = model.head.weight.detach(), model.head.bias.detach()
        contributions = found[:, None, :] * weight
        assert torch.allclose(contributions.sum(dim=2) + bias, scores, atol=1e-6)


def test_a_prototype_speaks_for_its_statement_and_against_all_others():
    weight = make(n_outputs=3).head.weight
    assert (weight == 1).sum(dim=1).tolist() == [2, 2, 2]
    assert weight[0].tolist() == [1, 1, -0.5, -0.5, -0.5, -0.5]
    uneven = make(n_outputs=4).head.weight
    assert ((uneven == 1).sum(dim=1) >= 1).all()
    assert ((uneven == 1).sum(dim=0) == 1).all()


def test_a_window_like_a_prototype_gets_the_largest_likeness():
    for likeness in ("cosine", "distance"):
        model, x = make(likeness=likeness), torch.randn(1, 12, 500)
        with torch.no_grad():
            model.neck.prototypes[4] = model.encode(x)[0]
            found = model.likeness_to_prototypes(x)[0]
        assert int(found.argmax()) == 4
        assert float(found[4]) == pytest.approx(
            1 if likeness == "cosine" else np.log(1e4), abs=1e-2
        )


def test_other_statements_get_a_new_head_on_the_same_prototypes(tmp_path):
    make(n_outputs=0).save_pretrained(tmp_path / "m")
    model = from_pretrained(tmp_path / "m", n_outputs=2, head="new").eval()
    assert model.head.in_features == 6
    bare = make(n_outputs=0)
    bare.replace_head(2)
    with torch.inference_mode():
        assert bare(torch.randn(1, 12, 500)).shape == (1, 2)


def test_a_graph_of_distances_gives_what_the_model_gives(tmp_path):
    x = torch.randn(2, 12, 500).numpy()
    report = export_onnx(make(likeness="distance"), tmp_path / "m.onnx", test_windows=x)
    for output, apart in report.max_abs_difference.items():
        assert apart <= TOLERANCE * max(1.0, report.largest_output[output])


def test_impossible_options_are_refused():
    with pytest.raises(OptionError, match="cosine, distance"):
        make(likeness="dot")
    with pytest.raises(OptionError, match="at least one"):
        make(n_outputs=7)
    with pytest.raises(OptionError, match="18, 34"):
        make(size=50)
