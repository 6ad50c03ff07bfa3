# SPDX-License-Identifier: Apache-2.0
"""Words are cut as a plain loop cuts them, whatever beats and leads there are."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from precordia.nn.beat_words import cut_sentence  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def one_word(signal, beats, i, word):
    """Cut the word of one beat of one lead, step by step as the paper's code goes."""
    half, n = word // 2, len(signal)
    first, last = i == 0, i == len(beats) - 1
    start = max(beats[i] - half, 0) if first else (beats[i - 1] + beats[i]) // 2
    if first and last:
        end = start + word
    elif last:
        end = beats[i] + half
    else:
        end = (beats[i] + beats[i + 1]) // 2
    end = min(end, n)
    if end - start > word:
        start = max(beats[i] - half, 0)
        end = min(start + word, n)
    cut = np.zeros(word, np.float32)
    at = max(half - (beats[i] - start), 0)
    for k in range(start, end):
        if at + k - start < word:
            cut[at + k - start] = signal[k]
    return cut


def sentence(x, beats, numbers, present, word, n_words):
    rows = sorted((r for r in range(len(numbers)) if present[r]), key=lambda r: numbers[r])
    words = [(one_word(x[r], beats, i, word), numbers[r], beats[i] // 100 + 1)
             for r in rows for i in range(len(beats))]  # fmt: skip
    words = words[:n_words]
    words += [(np.zeros(word, np.float32), 0, 0)] * (n_words - len(words))
    return [np.stack(part) for part in zip(*words, strict=True)]


@pytest.mark.parametrize("word", [96, 30])
@pytest.mark.parametrize("numbers", [(1, 2, 3), (7, 1, 12)])
def test_a_batch_of_windows_is_cut_as_a_loop_cuts_each(word, numbers):
    random = np.random.default_rng(0)
    counts = [0, 1, 2, 3, 7, 12, 20]
    x = random.standard_normal((len(counts), 3, 1000)).astype(np.float32)
    places = np.full((len(counts), 24), 999)
    for row, count in zip(places, counts, strict=True):
        row[:count] = np.sort(random.choice(1000, count, replace=False))
    found = np.arange(24) < np.array(counts)[:, None]
    present = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1]])[np.arange(len(counts)) % 3]
    said = cut_sentence(
        torch.from_numpy(x),
        torch.from_numpy(places),
        torch.from_numpy(found.astype(np.float32)),
        torch.tensor(numbers),
        torch.from_numpy(present.astype(np.float32)),
        word=word,
        n_words=40,
    )
    for k, count in enumerate(counts):
        expected = sentence(x[k], places[k, :count].tolist(), numbers, present[k], word, 40)
        for ours, theirs in zip(said, expected, strict=True):
            np.testing.assert_array_equal(ours[k].numpy(), theirs)


def test_beats_at_both_ends_and_far_from_each_other():
    x = torch.arange(1, 1001, dtype=torch.float32)[None, None]
    beats = [0, 10, 400, 430, 999]
    found = torch.ones(1, 5)
    said = cut_sentence(x, torch.tensor([beats]), found, torch.tensor([1]), n_words=6)
    expected = sentence(x[0].numpy(), beats, (1,), (1,), 96, 6)
    np.testing.assert_array_equal(said.words[0].numpy(), expected[0])
    assert said.times[0].tolist() == [1, 1, 5, 5, 10, 0]


def test_further_words_are_left_out_from_the_last_lead_on():
    x, found = torch.ones(1, 4, 1000), torch.ones(1, 10)
    places = torch.arange(50, 1000, 100)[None]
    said = cut_sentence(x, places, found, torch.arange(1, 5), n_words=25)
    assert said.leads[0].tolist() == [1] * 10 + [2] * 10 + [3] * 5


def test_gradients_go_back_to_the_samples_of_words_alone():
    x = torch.zeros(1, 1, 1000, requires_grad=True)
    found = torch.ones(1, 1)
    said = cut_sentence(x, torch.tensor([[500]]), found, torch.tensor([1]), n_words=2)
    said.words.sum().backward()
    assert x.grad[0, 0].nonzero().flatten().tolist() == list(range(452, 548))
