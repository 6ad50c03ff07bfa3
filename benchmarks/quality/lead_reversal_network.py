# SPDX-License-Identifier: Apache-2.0
"""The network that tells how usual a median beat looks, in PyTorch, and how it learns."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from precordia.quality.lead_reversal import arrangement, as_rows, pattern_of

EXCHANGES = ("RA/LA", "LA/LL", "RA/LL", "V1/V2", "V2/V3", "V3/V4", "V4/V5", "V5/V6", "V1/V3")
EXCHANGES += ("V1/V6", "V2/V5", "V4/V6")
K = 1 + len(EXCHANGES)
UNITS = (64, 32)
PAIRS = torch.triu_indices(8, 8, 1)


def arrangements():
    """Each exchange after each exchange: rows and signs of the distinct ones, and their number."""
    known, number = {}, np.zeros((K, K), int)
    single = [arrangement(name) for name in (None, *EXCHANGES)]
    for t, was in enumerate(single):
        for s, undone in enumerate(single):
            both = tuple(tuple(a[k] for k in b) for a, b in zip(was, undone, strict=True))
            number[t, s] = known.setdefault(both, len(known))
    order = [as_rows(*both) for both in known]
    rows, signs = (torch.tensor(x) for x in zip(*order, strict=True))
    return rows, signs.float(), torch.tensor(number)


ROWS, SIGNS, NUMBER = arrangements()


def patterns(beats):
    """Shapes, sizes and likenesses of median beats, one row each."""
    each = [pattern_of(beat) for beat in beats]
    parts = [[p.shape for p in each], [p.size for p in each], [p.likeness for p in each]]
    return [torch.tensor(np.array(part), dtype=torch.float32) for part in parts]


def disturb(beats, draw):
    """Gains of the chest leads, electrodes a little off, R-peaks 10 ms off, noise."""
    n = len(beats)
    x = beats.copy()
    x[:, 2:] *= np.exp(0.08 * draw.normal(size=(n, 6, 1)))
    shift = 0.06 * draw.normal(size=(n, 5, 1))
    x[:, 2:7] += shift * (x[:, 3:8] - x[:, 2:7])
    x = np.roll(x, int(draw.integers(-1, 2)), axis=-1)
    return x + 0.02 * x.std(axis=-1, keepdims=True) * draw.normal(size=x.shape)


class Network(nn.Module):
    def __init__(self, shape, size, likeness):
        super().__init__()
        dim, first, second = shape.shape[2], *UNITS
        self.shape = nn.Parameter(torch.randn(8, dim, first) * (8 * dim) ** -0.5)
        self.size = nn.Linear(7, first)
        self.likeness = nn.Linear(112, first, bias=False)
        self.second, self.third = nn.Linear(first, second), nn.Linear(second, 1)
        self.register_buffer("centre", shape[:, ROWS[0]].mean(0))
        self.register_buffer("spread", shape[:, ROWS[0]].std(0) + 0.1)
        right = self.pairs(likeness, torch.tensor([0]))[:, 0]
        self.register_buffer("pair_centre", right.mean(0))
        self.register_buffer("pair_spread", right.std(0) + 0.05)

    def pairs(self, likeness, which):
        rows, signs = ROWS[which], SIGNS[which]
        a, b = PAIRS
        return (
            (likeness[:, :, rows[:, a], rows[:, b]] * (signs[:, a] * signs[:, b]))
            .transpose(1, 2)
            .flatten(-2)
        )

    def forward(self, shape, size, likeness, known, which):
        """How usual each beat looks under each arrangement, (beat, arrangement)."""
        rows, signs = ROWS[which], SIGNS[which]
        weight = self.shape / self.spread[..., None]
        each = torch.einsum("nld,pdh->nplh", shape, weight)
        h = (each[:, torch.arange(8)[None], rows] * signs[..., None]).sum(2)
        h = h - (self.centre[..., None] * weight).sum((0, 1))
        chest = size[:, 1:][:, rows[:, 2:] - 3]
        limb = size[:, :1, None].expand(-1, len(which), 1)
        h = h + self.size(2 * torch.cat([limb, chest], -1) * known[:, None, None])
        h = h + self.likeness((self.pairs(likeness, which) - self.pair_centre) / self.pair_spread)
        h = F.dropout(torch.relu(h), 0.3, self.training)
        return self.third(F.dropout(torch.relu(self.second(h)), 0.1, self.training))[..., 0]


def learn(beats, known, epochs, seed=0):
    """Learn to find, of all arrangements, the one of electrodes in their places."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    net = Network(*patterns(beats))
    n, batch = len(beats), 64
    steps = epochs * -(-n // batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.15)
    net.train()
    for _ in range(epochs):
        order, disturbed = draw.permutation(n), disturb(beats, draw)
        parts = patterns(disturbed)
        seen = torch.tensor(known * (draw.random(n) < 0.85), dtype=torch.float32)
        for at in range(0, n, batch):
            k = torch.tensor(order[at : at + batch])
            told = torch.tensor([0, *(1 + draw.permutation(K - 1)[:4])])
            usual = net(*(part[k] for part in parts), seen[k], NUMBER[told].flatten())
            loss = F.cross_entropy(usual.reshape(-1, K), told.repeat(len(k)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            pace.step()
    return net.eval()


@torch.no_grad()
def log_odds(net, beats, known):
    """Log odds of each exchange for each beat as it is and with each exchange, (n, K, K - 1)."""
    usual = net(*patterns(beats), torch.tensor(known, dtype=torch.float32), torch.arange(len(ROWS)))
    usual = usual.numpy()[:, NUMBER.numpy()]
    return usual[:, :, 1:] - usual[:, :, :1]


def weights(net):
    """Arrays as `precordia.quality.lead_reversal.load_reversal_model` reads them."""
    with torch.no_grad():
        shape = net.shape / net.spread[..., None]
        likeness = net.likeness.weight.T / net.pair_spread[:, None]
        bias = net.size.bias - (net.centre[..., None] * shape).sum((0, 1))
        bias = bias - net.pair_centre @ likeness
        arrays = {
            "shape": shape,
            "size": 2 * net.size.weight.T,
            "likeness": likeness,
            "weight_0": net.second.weight.T,
            "weight_1": net.third.weight.T,
        }
        small = {name: value.numpy().astype(np.float16) for name, value in arrays.items()}
        biases = {"bias": bias, "bias_0": net.second.bias, "bias_1": net.third.bias}
        return small | {name: value.numpy() for name, value in biases.items()}
