# SPDX-License-Identifier: Apache-2.0
"""Embeddings come from the cache when, and only when, nothing changed."""

import numpy as np
import pytest
import torch
from torch import nn

from precordia.core.errors import OptionError, SignalError
from precordia.models.load_model import load_model
from precordia.training.embedding_cache import embed_windows, hash_weights


class Counting(nn.Module):
    """Counts the windows that it embeds."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.layer = nn.Conv1d(2, 4, 5)
        self.drop = nn.Dropout(0.5)
        self.seen = 0
        self.fail_after = None

    def tokens(self, x, present=None):
        if self.fail_after is not None and self.seen >= self.fail_after:
            raise KeyboardInterrupt
        self.seen += len(x)
        x = x if present is None else x * present[:, :, None]
        return self.drop(self.layer(x)).transpose(1, 2)

    def encode(self, x, present=None):
        return self.tokens(x, present).mean(dim=1)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


WINDOWS = np.random.default_rng(0).normal(size=(10, 2, 30)).astype(np.float32)


def test_embeddings_are_those_of_the_model_in_use(tmp_path):
    model = Counting()
    found = embed_windows(model, WINDOWS, folder=tmp_path, batch_size=4)
    assert model.training
    wanted = model.eval().encode(torch.from_numpy(WINDOWS)).detach().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert found.dtype == np.float32


def test_a_second_time_nothing_is_computed(tmp_path):
    first = embed_windows(Counting(), WINDOWS, folder=tmp_path, batch_size=4)
    again = Counting()
    np.testing.assert_array_equal(
        embed_windows(again, WINDOWS, folder=tmp_path, batch_size=4), first
    )
    assert again.seen == 0


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    model = Counting()
    model.fail_after = 8
    with pytest.raises(KeyboardInterrupt):
        embed_windows(model, WINDOWS, folder=tmp_path, batch_size=4)
    rest = Counting()
    embed_windows(rest, WINDOWS, folder=tmp_path, batch_size=4)
    assert rest.seen == 2


@pytest.mark.parametrize("change", ["weights", "windows", "fingerprint", "present", "what"])
def test_whatever_changes_is_computed_anew(tmp_path, change):
    embed_windows(Counting(), WINDOWS, folder=tmp_path, fingerprint="a")
    model = Counting(seed=1 if change == "weights" else 0)
    windows = WINDOWS + (1e-6 if change == "windows" else 0)
    present = np.ones((10, 2), bool)
    present[3, 1] = change != "present"
    embed_windows(
        model,
        windows.astype(np.float32),
        present=present,
        folder=tmp_path,
        fingerprint="b" if change == "fingerprint" else "a",
        what="tokens" if change == "what" else "embedding",
    )
    assert model.seen == 10


def test_all_leads_present_is_the_same_as_not_said(tmp_path):
    embed_windows(Counting(), WINDOWS, folder=tmp_path)
    model = Counting()
    embed_windows(model, WINDOWS, present=np.ones((10, 2), bool), folder=tmp_path)
    assert model.seen == 0


def test_a_damaged_file_is_computed_again(tmp_path):
    first = embed_windows(Counting(), WINDOWS, folder=tmp_path)
    (path,) = tmp_path.rglob("*.npy")
    path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(embed_windows(Counting(), WINDOWS, folder=tmp_path), first)


def test_without_a_cache_nothing_is_written(tmp_path):
    embed_windows(Counting(), WINDOWS, folder=tmp_path, cache=False)
    assert not list(tmp_path.iterdir())


def test_statistics_count_as_weights():
    first, second = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    assert hash_weights(first) == hash_weights(second)
    second(torch.randn(5, 3))
    assert hash_weights(first) != hash_weights(second)


def test_tokens_are_kept_too(tmp_path):
    found = embed_windows(Counting(), WINDOWS, folder=tmp_path, what="tokens")
    assert found.shape == (10, 26, 4)


def test_mistakes_are_refused_in_sentences(tmp_path):
    with pytest.raises(OptionError, match="'embedding' or 'tokens'"):
        embed_windows(Counting(), WINDOWS, what="token")
    with pytest.raises(SignalError, match="present has 3 rows"):
        embed_windows(Counting(), WINDOWS, present=np.ones((3, 2), bool), folder=tmp_path)
    with pytest.raises(SignalError, match="NaN or infinity"):
        embed_windows(Counting(), WINDOWS * np.float32(np.nan), folder=tmp_path)


def test_the_same_weights_for_other_leads_are_another_model():
    limb, chest = (
        load_model("lead-agnostic", n_outputs=0, size="small", leads=leads)
        for leads in (("I", "II"), ("V1", "V2"))
    )
    windows = np.random.default_rng(0).normal(size=(2, 2, 1000)).astype(np.float32)
    first, other = (embed_windows(model, windows, cache=False) for model in (limb, chest))
    assert not np.allclose(first, other)
    assert hash_weights(limb) != hash_weights(chest)
