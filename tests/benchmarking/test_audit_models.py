# SPDX-License-Identifier: Apache-2.0
"""The audit of several models: each is in it once, whatever it is called."""

import numpy as np
import pytest

from precordia.benchmarking import audit_models as auditing
from precordia.benchmarking.cohort import Cohort
from precordia.core.record import Record

torch = pytest.importorskip("torch")
FS, N = 50.0, 60


def _cohort():
    rng = np.random.default_rng(0)
    fast = np.arange(N) % 2 == 0
    t = np.arange(100) / FS

    def read(k):
        wave = np.sin(2 * np.pi * (4 if fast[k] else 1.5) * t + k)
        noise = np.random.default_rng(k).normal(size=(2, t.size))
        return Record(signal=wave + noise, fs=FS, leads=("I", "II"))

    return Cohort(
        database="ptbxl",
        task="superdiagnostic",
        classes=("FAST", "COIN"),
        names=tuple(f"r{k}" for k in range(N)),
        patients=tuple(f"p{k}" for k in range(N)),
        folds=tuple(str(1 + k // 2 % 5) for k in range(N)),
        targets=np.stack([fast, rng.random(N) < 0.5], axis=1).astype(float),
        ages=np.full(N, np.nan),
        sexes=("",) * N,
        read=read,
    )


def test_models_of_one_name_and_their_controls_are_all_looked_at(tmp_path, monkeypatch):
    from precordia.models.load_model import load_model
    from precordia.training.usual_input import usual_input

    torch.set_num_threads(1)
    monkeypatch.setattr(auditing, "load_cohort", lambda *_, **__: _cohort())
    for place, leads, seed in (("a", ("I", "II"), 0), ("b", ("I", "II"), 1), ("c", ("I",), 0)):
        model = load_model(
            "resnet1d", n_outputs=2, leads=leads, fs=FS, seconds=2, width=4, seed=seed
        )
        spec = usual_input(leads, FS, 2)
        model.save_pretrained(tmp_path / place / "run" / "model", input_spec=spec)
    named = [str(tmp_path / place / "run") for place in "abc"]
    found = auditing.audit_models(
        ["ptbxl=x"], named, folds="train=1-3,valid=4,test=5", shares=(1.0,)
    )
    shown = sorted(found.embeddings)
    assert sum(name.startswith("run") for name in shown) == 3
    # two models share their control, the third takes another input and has one of its own
    assert sum(name.startswith("resnet1d, random weights") for name in shown) == 2
    pairs = [(a, b) for k, a in enumerate(shown) for b in shown[k + 1 :]]
    assert all(not np.array_equal(found.embeddings[a], found.embeddings[b]) for a, b in pairs)
