# SPDX-License-Identifier: Apache-2.0
"""Patches, convolutions and the merging of leads against slices and sums written out."""

import numpy as np
import pytest
import torch

from precordia.nn.convolution import ConvNorm, SameConvolution
from precordia.nn.lead_merging import LeadMerging
from precordia.nn.patching import AllLeadPatches, PerLeadPatches
from precordia.nn.receptive_field import receptive_field
from precordia.nn.residual import BottleneckBlock, ResidualBlock
from precordia.nn.squeeze_excitation import SqueezeExcitation


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_all_lead_patches_are_slices():
    layer, x = AllLeadPatches(3, 10, 4), torch.randn(2, 3, 47)
    weight, bias = (p.detach().numpy() for p in layer.project.parameters())
    for k in range(4):
        piece = x[:, :, 10 * k : 10 * k + 10].numpy()
        expected = np.einsum("bls,dls->bd", piece, weight) + bias
        assert np.allclose(layer(x)[:, k].detach().numpy(), expected, atol=1e-5)
    assert layer(x).shape == (2, 4, 4)


def test_per_lead_patches_are_slices_of_one_lead():
    layer, x = PerLeadPatches(10, 4), torch.randn(2, 3, 47)
    tokens = layer(x)
    assert tokens.shape == (2, 3, 4, 4)
    assert torch.allclose(tokens[1, 2, 3], layer.project(x[1, 2, 30:40]), atol=1e-6)


@pytest.mark.parametrize(("n", "kernel", "stride"), [(9, 16, 2), (10, 16, 2), (7, 5, 1), (5, 1, 2)])
def test_same_convolution_pads_as_tensorflow_does(n, kernel, stride):
    layer, x = SameConvolution(1, 1, kernel, stride=stride), torch.randn(1, 1, n)
    n_out = -(-n // stride)
    total = max(0, (n_out - 1) * stride + kernel - n)
    padded = np.pad(x.numpy()[0, 0], (total // 2, total - total // 2))
    taps, bias = layer.weight.detach().numpy()[0, 0], float(layer.bias.detach())
    expected = [padded[stride * k :][:kernel] @ taps + bias for k in range(n_out)]
    assert np.allclose(layer(x).detach().numpy()[0, 0], expected, atol=1e-5)


def test_squeeze_and_excitation_scales_channels_by_their_means():
    layer, x = SqueezeExcitation(4, reduction=2), torch.randn(2, 4, 9)
    mean = x.mean(-1)
    gate = layer.excite(layer.squeeze(mean).relu()).sigmoid()
    assert torch.allclose(layer(x), x * gate[:, :, None])


@pytest.mark.parametrize(
    "layers",
    [
        [ConvNorm(1, 4, 7, stride=2), ResidualBlock(4, 8, kernels=(5, 3), stride=2)],
        [BottleneckBlock(1, 8, narrow=4, kernel=5, stride=2), torch.nn.MaxPool1d(3, 2, 1)],
    ],
)
def test_the_receptive_field_is_where_gradients_reach(layers):
    network = torch.nn.Sequential(*layers).double().eval()
    x = torch.randn(1, 1, 201, dtype=torch.float64)
    reached = np.zeros(201, bool)
    for _ in range(20):  # rectifiers hide some of it at a time
        x = torch.randn_like(x).requires_grad_()
        out = network(x)
        out[0, :, out.shape[-1] // 2].sum().backward()
        reached |= x.grad[0, 0].numpy() != 0
    places = np.flatnonzero(reached)
    assert places[-1] - places[0] + 1 == receptive_field(layers)


def merged_by_hand(layer, leads, names, present):
    scores = layer.score_content(leads.mean(-1)) + layer.score_name(names)
    n_out, per_head = layer.value.out_features, layer.value.out_features // layer.heads
    result = torch.zeros(len(leads), n_out, leads.shape[-1])
    for b in range(len(leads)):
        there = torch.nonzero(present[b]).flatten()
        for head in range(layer.heads):
            weight = scores[b, there, head].softmax(0)
            part = slice(head * per_head, (head + 1) * per_head)
            for w, k in zip(weight, there, strict=True):
                value = layer.value(leads[b, k].T).T[part]
                result[b, part] += w * (1 + layer.scale(names[k]))[part, None] * value
                result[b] += (w * layer.shift.weight @ names[k] / layer.heads)[:, None]
    return result + layer.shift.bias[:, None]


def test_merging_is_the_weighted_sum_that_its_notes_say():
    layer = LeadMerging(3, 8, heads=2, name_dim=5)
    leads, names = torch.randn(2, 4, 3, 6), torch.randn(4, 5)
    present = torch.tensor([[1.0, 1, 0, 1], [0, 1, 0, 0]])
    with torch.no_grad():
        expected = merged_by_hand(layer, leads, names, present)
        assert torch.allclose(layer(leads, names, present), expected, atol=1e-5)
        everything = layer(leads, names, torch.ones(2, 4))
        assert torch.allclose(layer(leads, names, None), everything, atol=1e-6)
