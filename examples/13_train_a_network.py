# SPDX-License-Identifier: Apache-2.0
"""Train a small network on simulated recordings and score it on others.

Needs: pip install "precordia[train]"
Takes: 15 s
"""

import numpy as np

import precordia as pc
from precordia.core.input_steps import FillGaps, Resample, Window, ZScore
from precordia.training.fit import fit
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

spec = pc.InputSpec(
    leads=("I", "II", "V1", "V6"), fs=100, seconds=5,
    steps=(FillGaps(), Resample(), Window(take="centre"), ZScore()),
)  # fmt: skip
conditions = ("sinus", "left-bundle-block", "right-bundle-block")


def windows(seeds: range) -> TrainingSet:
    """Simulate, prepare and label; every recording is a patient of its own."""
    made = [(k, s) for s in seeds for k in range(len(conditions))]
    records = [pc.simulate(conditions[k], noise="muscle", snr_db=15, seed=s) for k, s in made]
    return TrainingSet(
        windows=np.concatenate([pc.prepare(record, spec).windows for record in records]),
        labels=np.eye(len(conditions))[[k for k, _ in made]],
        classes=conditions,
        patients=[f"patient-{k}-{s}" for k, s in made],
    )


model = pc.load_model(
    "resnet1d", n_outputs=3, leads=spec.leads, fs=spec.fs, seconds=spec.seconds, width=8
)
settings = TrainingSettings(epochs=6, batch_size=16, seed=1)
fitted = fit(model, windows(range(40)), windows(range(40, 60)), settings)
for epoch in fitted.epochs:
    print(f"epoch {epoch['epoch']:2}: loss {epoch['loss']:.3f}")
print(f"validation {fitted.metric}: {fitted.best_score:.3f}")
