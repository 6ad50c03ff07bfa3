# SPDX-License-Identifier: Apache-2.0
"""Train the delineation network on LUDB: patient-wise cross-validation, then the shipped weights.

    run="python benchmarks/delineation/train_network.py"
    $run --fold 0 --epochs 110 --out /tmp/0a.pt               (of --folds 4)
    $run --fold 0 --epochs 25 --init /tmp/0a.pt --out /tmp/0b.pt   (with records in fibrillation)
    $run --mean /tmp/0a.pt /tmp/0b.pt --out /tmp/0c.pt
    $run --fold 0 --epochs 25 --init /tmp/0c.pt --simulated 600 --rate 1e-3 --out /tmp/0d.pt
    $run --mean /tmp/0c.pt /tmp/0d.pt /tmp/0d.pt /tmp/0d.pt --out /tmp/0.pt
    (then score_network.py 0=/tmp/0.pt)
    $run --all ...                                            (likewise, for the shipped weights)
    $run --export /tmp/all.pt --out src/precordia/delineation/weights/waves.onnx

Needs torch, onnx and wfdb; using the weights needs none of them. One core, some 15 minutes a run.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from network_examples import example, read_ludb, read_noise, read_ptbxl
from simulated_examples import draw_simulated
from torch import nn


# ---------------------------------------------------------------------------- the network
def conv(i, o, k=5, s=1, d=1, p=None, bias=False):
    return nn.Conv2d(
        i, o, (1, k), (1, s), (0, d * (k - 1) // 2 if p is None else p), (1, d), bias=bias
    )


def conv_norm(i, o, k=5, s=1, d=1, p=None):
    return nn.Sequential(conv(i, o, k, s, d, p), nn.BatchNorm2d(o))


def conv_norm_relu(i, o, k=5, s=1, d=1, p=None):
    return nn.Sequential(*conv_norm(i, o, k, s, d, p), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, c, k=5, d=1):
        super().__init__()
        self.a, self.b = conv_norm_relu(c, c, k, 1, d), conv_norm(c, c, k, 1, d)

    def forward(self, x):
        return torch.relu(x + self.b(self.a(x)))


class Network(nn.Module):
    """One small U-Net run on every lead; a trunk sees the mean and the largest over leads.

    (record, channel, lead, time). Every layer acts along time alone and is the same for all leads,
    so that number and order of leads are free; what the trunk finds is given back to every lead.
    """

    def __init__(self, c1=32, c2=32, c3=48, g=64, phases=2):
        super().__init__()
        self.phases = phases
        self.stem = conv_norm_relu(2, c1, 16, 4, p=6)
        self.e1 = Residual(c1)
        self.d2, self.e2 = conv_norm_relu(c1, c2, 4, 2, p=1), Residual(c2)
        self.d3, self.e3 = conv_norm_relu(c2, c3, 4, 2, p=1), conv_norm_relu(c3, c3)
        self.g2, self.g3 = conv_norm_relu(2 * c2, g, 3), conv_norm_relu(2 * c3, g, 3)
        self.t3 = nn.Sequential(Residual(g), Residual(g, d=3), Residual(g, d=9))
        self.t2 = nn.Sequential(conv_norm_relu(2 * g, g), Residual(g))
        self.u3, self.b3 = conv_norm(c3, c3, 3), conv(g, c3, 1)
        self.w3, self.u2, self.b2, self.f2 = (
            conv(c3, c2, 1),
            conv_norm(c2, c2, 3),
            conv(g, c2, 1),
            Residual(c2),
        )
        self.w2, self.u1, self.f1 = conv(c2, c1, 1), conv_norm(c1, c1, 3), Residual(c1)
        self.up = nn.Upsample(scale_factor=(1, 2), mode="nearest")
        self.head = conv(c1, 7 * phases, 3, bias=True)
        self.trunk_head = conv(g, 3, 1, bias=True)

    @staticmethod
    def pool(h):
        return torch.cat([h.mean(2, keepdim=True), h.amax(2, keepdim=True)], 1)

    def forward(self, x):
        h1 = self.e1(self.stem(x))
        h2 = self.e2(self.d2(h1))
        h3 = self.e3(self.d3(h2))
        t3 = self.t3(self.g3(self.pool(h3)))
        t2 = self.t2(torch.cat([self.g2(self.pool(h2)), self.up(t3)], 1))
        y3 = torch.relu(self.u3(h3) + self.b3(t3))
        y2 = self.f2(torch.relu(self.up(self.w3(y3)) + self.u2(h2) + self.b2(t2)))
        y1 = self.f1(torch.relu(self.up(self.w2(y2)) + self.u1(h1)))
        o = self.head(y1)
        b, c, n_leads, t = o.shape
        o = o.reshape(b, self.phases, c // self.phases, n_leads, t).permute(0, 2, 3, 4, 1)
        return o.reshape(b, c // self.phases, n_leads, t * self.phases), self.trunk_head(t2)[
            :, :, 0
        ]


class Ensemble(nn.Module):
    """Mean probabilities of several networks: P, QRS, T, then peak of P, QRS, T."""

    def __init__(self, networks):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x):
        total = 0.0
        for network in self.networks:
            o, _ = network(x)
            e = torch.exp(o[:, :4] - o[:, :4].amax(1, keepdim=True))
            total = total + torch.cat(
                [e[:, 1:] / e.sum(1, keepdim=True), torch.sigmoid(o[:, 4:])], 1
            )
        return (total / len(self.networks))[0]


# ---------------------------------------------------------------------------- learning
def loss_of(network, batch, bounds_weight):
    x, classes, peaks, mask, rows = batch
    o, trunk = network(x)
    n_mask = mask.sum().clamp(min=1)
    logp = torch.log_softmax(o[:, :4], 1)
    cross = -((classes * logp).sum(1) * mask).sum() / n_mask
    known = ~torch.isnan(peaks)
    bce = nn.functional.binary_cross_entropy_with_logits(
        o[:, 4:], torch.nan_to_num(peaks), reduction="none"
    )
    peak = ((bce * known).sum(1) * mask).sum() / n_mask
    # the trunk: is the wave there in most leads?
    share = (classes[:, 1:] * mask[:, None]).sum(2) / mask[:, None].sum(2).clamp(min=1)
    seen = (mask.mean(1) > 0.5).float()[:, None]
    pool = nn.functional.avg_pool1d
    share, seen = (
        pool(share, 4)[..., : trunk.shape[2]],
        pool(seen, 4)[..., : trunk.shape[2]].floor(),
    )
    aux = (
        nn.functional.binary_cross_entropy_with_logits(trunk, share, reduction="none") * seen
    ).mean()
    # expected bounds: probability left and right of the peak adds up to the wave's two halves
    bounds = x.new_zeros(())
    if bounds_weight and len(rows):
        mass = torch.cumsum(torch.nn.functional.pad(logp[:, 1:].exp(), (1, 0)), 3)
        b, k, c = rows[:, 0].long(), rows[:, 1].long(), rows[:, 2].long()
        n = mass.shape[3] - 1
        reach = x.new_tensor([32.0, 24.0, 50.0])[c]
        edge = lambda at: (at + 0.5) / 2  # 250 Hz samples -> edges between steps  # noqa: E731

        def read(at):
            at = at.clamp(0, n - 1e-3)
            i = at.floor().long()
            f = at - i
            return mass[b, c, k, i] * (1 - f) + mass[b, c, k, (i + 1).clamp(max=n)] * f

        on, pk, off = (edge(rows[:, j]) for j in (3, 4, 5))
        inside = (on - 6 > 0) & (off + 6 < n)
        # stop half-way to where the next wave of the kind could be
        left = read(pk) - read(torch.minimum(on - 6, pk - reach))
        right = read(torch.maximum(off + 6, pk + reach)) - read(pk)
        e = torch.stack([left - (pk - on), right - (off - pk)])[:, inside]
        weight = x.new_tensor([1.0, 1.5, 0.4])[c][inside]
        bounds = (
            nn.functional.huber_loss(e, torch.zeros_like(e), delta=6.0, reduction="none") * weight
        ).mean()
    return cross + 0.3 * peak + 0.2 * aux + bounds_weight * bounds, (
        cross.item(),
        peak.item(),
        bounds.item(),
    )


def collate(parts):
    x, classes, peaks, mask, rows = zip(*parts, strict=True)
    rows = np.concatenate([np.column_stack([np.full(len(r), k), r]) for k, r in enumerate(rows)])
    return [torch.from_numpy(np.stack(v)) for v in (x, classes, peaks, mask)] + [
        torch.from_numpy(rows.astype(np.float32))
    ]


def train(
    records, noise, minutes, epochs, seed, log, init=None, others=(), simulated=(), peak=2e-3
):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network()
    if init:
        network.load_state_dict(init)
    shadow = {k: v.clone() for k, v in network.state_dict().items()}
    names = list(records)
    per = 4
    total = epochs * len(names) // per
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.02)
    began, step = time.time(), 0
    recent = []
    while step < total:
        order = rng.permutation(names)
        at = 0
        while at < len(order) and step < total:
            n_leads = int(rng.choice([12, 8, 3, 2, 1], p=[0.6, 0.15, 0.1, 0.05, 0.1]))
            count = max(per, min(16, 36 // n_leads))
            n = int(rng.choice([1264, 1872, 2512], p=[0.2, 0.3, 0.5]))
            chosen = [order[(at + j) % len(order)] for j in range(count)]
            at += count if n_leads == 12 else per
            batch = [records[k] for k in chosen]
            if others:  # a fifth from elsewhere, half of it in fibrillation
                for k in np.flatnonzero(rng.random(count) < 0.2):
                    kind = others[rng.integers(len(others))]
                    batch[k] = kind[rng.integers(len(kind))]
            if simulated:
                for k in np.flatnonzero(rng.random(count) < 0.3):
                    batch[k] = simulated[rng.integers(len(simulated))]
            batch = collate([example(record, noise, n_leads, n, rng) for record in batch])
            rate = (peak if init else 3e-3) * min(1, step / 200) * (
                0.5 + 0.5 * np.cos(np.pi * min(1, step / total))
            ) + 1e-5
            for group in optimiser.param_groups:
                group["lr"] = rate
            loss, parts = loss_of(network, batch, 0.04 * min(1, step / 400))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            step += 1
            keep = min(0.997, step / (step + 20))
            with torch.no_grad():
                for k, v in network.state_dict().items():
                    if v.is_floating_point():
                        shadow[k].mul_(keep).add_(v, alpha=1 - keep)
                    else:
                        shadow[k].copy_(v)
            recent.append(parts)
        if log:
            m = np.mean(recent[-70:], 0)
            print(
                f"{step}/{total} {time.time() - began:.0f} s  "
                f"classes {m[0]:.4f} peaks {m[1]:.4f} bounds {m[2]:.3f}",
                flush=True,
            )
        if minutes and time.time() - began > 60 * minutes:
            break
    return shadow


def fold_of(names, folds, seed=7):
    order = np.random.default_rng(seed).permutation(sorted(names))
    return {int(k): i % folds for i, k in enumerate(order)}


def load(paths):
    networks = []
    for path in paths:
        network = Network()
        network.load_state_dict(torch.load(path))
        networks.append(network.eval())
    return Ensemble(networks).eval()


def halved(path):
    """Keep the large weights in half precision (they are widened when the session is built)."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    graph = model.graph
    kept, casts = [], []
    for w in graph.initializer:
        value = numpy_helper.to_array(w)
        if value.dtype == np.float32 and value.size > 64:
            kept.append(numpy_helper.from_array(value.astype(np.float16), w.name + "_half"))
            casts.append(
                helper.make_node("Cast", [w.name + "_half"], [w.name], to=onnx.TensorProto.FLOAT)
            )
        else:
            kept.append(w)
    nodes = casts + list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    model.producer_name, model.producer_version, model.doc_string = "precordia", "", ""
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export(paths, out):
    torch.onnx.export(
        load(paths),
        (torch.randn(1, 2, 12, 2512),),
        out,
        input_names=["signal"],
        output_names=["waves"],
        dynamic_axes={"signal": {2: "lead", 3: "sample"}, "waves": {1: "lead", 2: "step"}},
        opset_version=17,
        dynamo=False,
    )
    halved(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init", type=Path, help="weights to go on from")
    parser.add_argument("--simulated", type=int, default=0, help="how many records to mix in")
    parser.add_argument("--rate", type=float, default=2e-3, help="when going on from weights")
    parser.add_argument("--mean", nargs="+", help="average the weights of these")
    parser.add_argument("--export", nargs="+", help="write ONNX")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.mean:
        parts = [torch.load(path) for path in args.mean]
        torch.save({k: sum(p[k] for p in parts) / len(parts) for k in parts[0]}, args.out)
        return
    if args.export:
        export(args.export, args.out)
        return
    records = read_ludb(args.data / "ludb" / "data")
    fold = fold_of(records, args.folds)
    init = torch.load(args.init) if args.init else None
    others = ()
    if init:
        teacher = load([args.init])

        def probabilities(x):
            with torch.no_grad():
                return teacher(torch.from_numpy(x)[None]).numpy()

        others = read_ptbxl(args.data / "ptbxl_norm", probabilities)
        print(
            *(len(kind) for kind in others), "records in fibrillation, in sinus rhythm", flush=True
        )
    mine = {k: v for k, v in records.items() if args.all or fold[k] != args.fold}
    weights = train(
        mine,
        read_noise(args.data / "nstdb"),
        args.minutes,
        args.epochs,
        args.seed,
        True,
        init,
        others,
        draw_simulated(args.simulated, seed=args.seed) if args.simulated else (),
        args.rate,
    )
    torch.save(weights, args.out)


if __name__ == "__main__":
    main()
