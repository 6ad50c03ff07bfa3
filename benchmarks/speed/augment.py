# SPDX-License-Identifier: Apache-2.0
"""Augmentations beside one training step of a residual network, on one core.

64 windows of 12 leads and 10 s at 100 Hz; the step is forward, backward and update of the
resnet1d-wang, the smallest network that is commonly trained on PTB-XL.

python benchmarks/speed/augment.py     prints the table by itself
"""

import numpy as np
import torch

from precordia.benchmarking.timing import best_seconds
from precordia.core.leads import STANDARD_12
from precordia.delineation.rpeaks import rpeaks_of_signal
from precordia.generation.simulate import simulate
from precordia.models.load_model import load_model
from precordia.signal.resample import resample
from precordia.training.augmentations import list_augmentations, load_augmentation
from precordia.training.augmenter import Augmenter

FS, BATCH = 100.0, 64


def windows():
    record = simulate("sinus", seed=0)
    signal = resample(np.asarray(record.signal, float), record.fs, FS)[:, :1000]
    rng = np.random.default_rng(0)
    noisy = signal[None] + 0.01 * rng.normal(size=(BATCH, *signal.shape))
    return torch.from_numpy(noisy).float(), rpeaks_of_signal(signal, FS)


def compare(headers, smoke):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from _rows(smoke)
    finally:
        torch.set_num_threads(threads)


def _rows(smoke):
    x, beats = windows()
    labels = (torch.rand(BATCH, 71) < 0.05).float()
    model = load_model("resnet1d-wang", n_outputs=71, seconds=10, fs=FS)
    optimiser = torch.optim.AdamW(model.parameters())

    def step():
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(x), labels).backward()
        optimiser.step()

    names = list_augmentations()
    calls = [step]
    for name in names:
        options = {} if name == "crop" else {"probability": 1.0}
        augmenter = Augmenter(
            steps=(load_augmentation(name, **options),),
            fs=FS,
            leads=STANDARD_12,
            rpeaks=[beats] * BATCH,
            fetch=lambda rows: (x[rows], None, labels[rows]),
            n_records=BATCH,
        )
        calls.append(
            lambda a=augmenter: a.of_records(
                x, None, labels, records=np.arange(BATCH), seed=0, epoch=0
            )
        )
    seconds = best_seconds(calls, rounds=2 if smoke else 15)
    subject = "64 windows of 12 leads, 10 s at 100 Hz"
    yield subject, "training step of resnet1d-wang", "time", 1000 * seconds[0], "ms"
    for name, spent in zip(names, seconds[1:], strict=True):
        yield subject, f"augmentation {name}", "time", 1000 * spent, "ms"
        yield subject, f"{name} against the step", "ratio", spent / seconds[0], ""


if __name__ == "__main__":
    for _, what, kind, value, unit in compare((), smoke=False):
        print(f"{what:40} {kind:6} {value:10.4f} {unit}")
