# SPDX-License-Identifier: Apache-2.0
"""Classify 12 leads of 10 s by the model in the box: beside the forward pass of torch_ecg's CRNN.

The peer gets windows that are ready; ours prepares them first. Without torch_ecg there is no peer.
"""

import copy

import numpy as np

from precordia.benchmarking.timing import best_seconds
from precordia.classification.classify import classify
from precordia.classification.classify_many import classify_many
from precordia.embedding.embed import embed
from precordia.embedding.encode import has_model
from precordia.embedding.excerpts import cut_excerpts
from precordia.io.read import read
from precordia.models.runtime import load_graph
from precordia.quality.assess import assess


def compare(headers, smoke):
    if not has_model():
        print("no model is installed: nothing to time")
        return
    records = [read(header) for header in headers[: 2 if smoke else 64]]
    quality = [assess(record) for record in records]
    graph = load_graph("precordia-12lead")
    windows = np.concatenate([cut_excerpts(r, graph.spec).windows[:1] for r in records])
    ways = {
        "learned, many at once, prepared from the record": lambda: list(
            classify_many(records, check_quality=False)
        ),
        "learned, many at once, quality assessed first": lambda: list(classify_many(records)),
        "learned, one by one, quality known": lambda: [
            classify(r, quality=q, method="learned") for r, q in zip(records, quality, strict=True)
        ],
        "embed, one by one": lambda: [embed(r) for r in records],
        "forward pass alone, 16 at once": lambda: graph(windows),
    }
    peer = _torch_ecg(len(records))
    if peer is not None:
        ways["torch_ecg ECG_CRNN, forward pass alone, 16 at once"] = peer
    seconds = best_seconds(list(ways.values()), rounds=1 if smoke else 5)
    subject = "classify, 12 leads of 10 s"
    rates = dict(zip(ways, (len(records) / s for s in seconds), strict=True))
    for name, rate in rates.items():
        yield (
            subject,
            name if "torch_ecg" in name else f"precordia {name}",
            "rate",
            rate,
            "records/s",
        )
    if peer is not None:
        ours, theirs = next(iter(rates.values())), list(rates.values())[-1]
        yield subject, "precordia, prepared, against torch_ecg, forward", "ratio", ours / theirs, ""


def _torch_ecg(n_records):
    try:
        import torch
        from torch_ecg.model_configs import ECG_CRNN_CONFIG
        from torch_ecg.models import ECG_CRNN
    except ImportError as error:
        print(f"torch_ecg is not installed ({error}): no peer")
        return None
    torch.set_num_threads(1)
    model = ECG_CRNN([str(k) for k in range(26)], 12, copy.deepcopy(ECG_CRNN_CONFIG)).eval()
    windows = torch.randn(n_records, 12, 5000)

    def forward():
        with torch.inference_mode():
            for k in range(0, n_records, 16):
                model(windows[k : k + 16])

    return forward
