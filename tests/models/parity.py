# SPDX-License-Identifier: Apache-2.0
"""Fixtures of published models: weights and input by rule, and what the authors' code gave."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

PLACE = Path(__file__).resolve().parents[3] / "shared" / "parity"


class Fixture:
    """What one model of the authors gives for weights and an input that follow from a rule."""

    def __init__(self, name):
        if not (PLACE / f"{name}.json").is_file():
            pytest.skip(f"NO PARITY FIXTURE {name} at {PLACE}: agreement is not tested")
        self.facts = json.loads((PLACE / f"{name}.json").read_text())
        self.expected = np.load(PLACE / f"{name}.npz")

    def weights(self):
        """Return the state of the authors' model, filled by the rule."""
        facts, state = self.facts, {}
        for key, shape, dtype in sorted(facts["state_dict"]):
            if key.endswith("num_batches_tracked"):
                state[key] = torch.zeros((), dtype=torch.int64)
                continue
            assert dtype == "float32", key
            state[key] = torch.from_numpy(self._filled(key, tuple(shape)))
        for first, second in facts["tied_keys"]:
            later = max(first, second)
            state[first] = state[second] = state[later]
        return state

    def _filled(self, key, shape):
        count = int(np.prod(shape))
        u = pseudo_random(key, count, self.facts["seed"])
        if key.endswith("running_var"):
            value = 1 + 0.5 * np.abs(u)
        elif key.endswith("running_mean"):
            value = 0.1 * u
        elif key in set(self.facts["norm_weight_keys"]):
            value = 1 + 0.1 * u
        elif len(shape) >= 2 and shape[0] > 1:
            value = self.facts["weight_gain"] * np.sqrt(3 / (count // shape[0])) * u
        else:
            value = 0.1 * u
        return value.astype(np.float32).reshape(shape)

    def window(self):
        """Return the input, checked against its sums."""
        check = self.facts["input_check"]
        n_records, n_leads, n_samples = check["shape"]
        fs = {250: 100.0, 5000: 500.0}[n_samples]
        lead = np.arange(n_leads)[None, :, None]
        t = np.arange(n_samples)[None, None, :]
        tau = t / fs + 0.13 * np.arange(n_records)[:, None, None] + self.facts["shift_s"]
        bump = np.exp(-(((1.2 * tau) % 1 - 0.3) ** 2) / 0.002)
        wave = np.sin(2 * np.pi * (1.3 + 0.1 * lead) * tau) * bump
        x = 4 * (wave + 0.1 * np.sin(0.37 * fs * tau + lead) + 0.01 * (lead + 1) * t / n_samples)
        x = x.astype(np.float32)
        assert np.allclose(x.ravel()[:8], check["first8"])
        assert np.isclose(x.astype(np.float64).sum(), check["sum"])
        return torch.from_numpy(x)

    def output(self, name):
        """Return what the authors' code gave, which must have been stored whole."""
        facts = self.facts["outputs"][name]
        assert facts["stride"] == 1
        return self.expected[name].reshape(facts["shape"])


def pseudo_random(key, count, seed):
    """Return numbers in -1..1 that follow from a key."""
    x = np.arange(count, dtype=np.uint64) + zlib.crc32(key.encode()) + seed * 0x9E3779B9
    x = (x & 0xFFFFFFFF).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**31 - 1


def assert_agrees(ours, theirs, tolerance=1e-5):
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()
