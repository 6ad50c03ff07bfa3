# SPDX-License-Identifier: Apache-2.0
"""Every model on one core: 64 windows of 12 leads and 10 s at 100 Hz, forward and while training.

A model as a graph (onnxruntime) where exporting is quick; times are of the processor, so that other
work on the machine counts less.

python benchmarks/speed/models.py [NAME ...]     prints the table by itself
"""

import sys
import tempfile
import time

import numpy as np
import torch

from precordia.models.architectures import list_models
from precordia.models.export import export_onnx
from precordia.models.load_model import load_model

FS, BATCH = 100.0, 64


def cpu_seconds(call, rounds):
    """Return the shortest processor time of a call, s; one call before is not timed."""
    call()
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def compare(headers, smoke, names=None):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in names or list_models():
            yield from _rows(name, smoke)
    finally:
        torch.set_num_threads(threads)


def _rows(name, smoke):
    n_windows, rounds = (4, 1) if smoke else (BATCH, 2)
    random = torch.Generator().manual_seed(0)
    x = torch.randn(n_windows, 12, 1000, generator=random)
    labels = (torch.rand(n_windows, 5, generator=random) < 0.2).float()
    model = load_model(name, n_outputs=5, seconds=10, fs=FS)
    optimiser = torch.optim.AdamW(model.parameters())

    def forward():
        with torch.inference_mode():
            model.eval()(x)

    def step():
        model.train()
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(x), labels).backward()
        optimiser.step()

    subject = f"{n_windows} windows of 12 leads, 10 s at 100 Hz"
    yield subject, f"{name} forward", "speed", n_windows / cpu_seconds(forward, rounds), "records/s"
    yield subject, f"{name} training", "speed", n_windows / cpu_seconds(step, rounds), "records/s"
    yield subject, f"{name} graph", "speed", n_windows / _graph(model, x, rounds), "records/s"


def _graph(model, x, rounds):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        report = export_onnx(model, f"{folder}/model.onnx")
        session = onnxruntime.InferenceSession(report.path, options)
    given = {"window": x.numpy(), "present": np.ones(x.shape[:2], np.float32)}
    given = {key: given[key] for key in report.inputs}
    return cpu_seconds(lambda: session.run(None, given), rounds)


if __name__ == "__main__":
    for _, what, _, value, unit in compare((), smoke=False, names=sys.argv[1:]):
        print(f"{what:24} {value:8.1f} {unit}", flush=True)
