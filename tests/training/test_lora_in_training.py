# SPDX-License-Identifier: Apache-2.0
"""The training loop trains low-rank changes of our models and leaves everything else alone."""

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.models.pretrained import from_pretrained
from precordia.nn.lora import add_lora, lora_layers, merge_lora, n_trained
from precordia.training.fit import fit
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vit1d", {"depth": 1, "width": 16, "heads": 2}),
        ("resnet1d", {"width": 4}),
    ],
)
def test_only_changes_and_head_are_trained(name, options, tmp_path):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = load_model(name, n_outputs=2, n_leads=2, n_samples=200, fs=100, **options)
    before = {k: v.clone() for k, v in model.named_parameters()}
    add_lora(model, rank=2, also_train=lambda parameter: parameter.startswith("head."))
    assert 0 < n_trained(model) < sum(v.numel() for v in before.values())
    rng = np.random.default_rng(0)
    labels = (rng.random((48, 2)) < 0.5).astype(np.float32)
    windows = rng.normal(size=(48, 2, 200)).astype(np.float32) + labels[:, :, None]
    sets = [TrainingSet(windows=windows[k::2], labels=labels[k::2]) for k in (0, 1)]
    chosen = TrainingSettings(epochs=2, batch_size=8, lr=0.01, average=0.5, workers=0)
    fit(model, *sets, chosen)
    with pytest.raises(OptionError, match=r"merge_lora\(model\)"):
        model.save_pretrained(tmp_path)
    assert not list(tmp_path.iterdir())
    changed = [layer for layer, _, change in lora_layers(model) if change.up.abs().max() > 0]
    assert changed
    for layer, weight in merge_lora(model).items():
        assert torch.equal(weight, before[f"{layer}.weight"])
    assert not torch.equal(model.head.weight, before["head.weight"])
    merged = {f"{layer}.weight" for layer in changed}
    for parameter, value in model.named_parameters():
        if parameter not in merged and not parameter.startswith("head."):
            assert torch.equal(value, before[parameter]), parameter
    model.save_pretrained(tmp_path)
    windows = torch.from_numpy(windows)
    assert torch.equal(from_pretrained(tmp_path).eval()(windows), model.eval()(windows))
