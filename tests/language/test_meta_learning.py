# SPDX-License-Identifier: Apache-2.0
"""On quadratic costs adaptation and its gradient have closed forms."""

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError, SignalError
from precordia.language.causal_model import CausalModel
from precordia.language.episode_mapper import EpisodeMapper
from precordia.language.episodes import Episode, EpisodeRow
from precordia.language.few_shot_model import FewShotModel
from precordia.language.meta_learning import MetaSettings, adapt, meta_gradient, meta_train
from precordia.language.tiny_model import make_tiny_model

torch.set_num_threads(1)


def quadratic(matrix, centre):
    return lambda p: 0.5 * (p["x"] - centre) @ matrix @ (p["x"] - centre)


def symmetric(rng, n=4):
    root = rng.normal(size=(n, n))
    return torch.tensor(root @ root.T / n + np.eye(n))


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    first, second = symmetric(rng), symmetric(rng)
    a, b, x = (torch.tensor(rng.normal(size=4)) for _ in range(3))
    return first, second, a, b, x.requires_grad_()


@pytest.mark.parametrize("steps", [1, 3, 7])
@pytest.mark.parametrize("first_order", [False, True])
def test_the_outer_gradient_is_that_of_the_closed_form(problem, steps, first_order):
    """Each step maps x - a to (I - lr A)(x - a), so k steps to its k-th power."""
    first, second, a, b, x = problem
    lr = 0.1
    power = torch.linalg.matrix_power(torch.eye(4, dtype=x.dtype) - lr * first, steps)
    end = a + power @ (x.detach() - a)
    at_end = second @ (end - b)
    expected = at_end if first_order else power.T @ at_end
    task = (quadratic(first, a), quadratic(second, b))
    settings = MetaSettings(inner_steps=steps, inner_lr=lr, first_order=first_order)
    cost, gradients = meta_gradient([task], {"x": x}, settings)
    torch.testing.assert_close(gradients["x"], expected)
    assert cost == pytest.approx(quadratic(second, b)({"x": end}).item())
    assert x.grad is None


def test_adaptation_ends_where_the_closed_form_does_and_changes_nothing(problem):
    first, _, a, _, x = problem
    before = x.detach().clone()
    end = adapt(quadratic(first, a), {"x": x}, steps=5, lr=0.2)["x"]
    power = torch.linalg.matrix_power(torch.eye(4, dtype=x.dtype) - 0.2 * first, 5)
    torch.testing.assert_close(end.detach(), a + power @ (before - a))
    torch.testing.assert_close(x.detach(), before)


def test_the_gradient_over_several_tasks_is_their_mean(problem):
    first, second, a, b, x = problem
    tasks = [
        (quadratic(first, a), quadratic(second, b)),
        (quadratic(second, b), quadratic(first, a)),
    ]
    settings = MetaSettings(inner_steps=2, inner_lr=0.1)
    alone = [meta_gradient([task], {"x": x}, settings)[1]["x"] for task in tasks]
    both = meta_gradient(tasks, {"x": x}, settings)[1]["x"]
    torch.testing.assert_close(both, (alone[0] + alone[1]) / 2)
    with pytest.raises(OptionError):
        meta_gradient([], {"x": x}, settings)


def test_meta_training_finds_where_every_task_is_one_step_away():
    """Tasks at -1 and 1: from 0 both are near after a step; plain training has no better place."""
    module = torch.nn.Module()
    module.x = torch.nn.Parameter(torch.tensor([3.0]))
    eye = torch.eye(1)
    ends = [quadratic(eye, torch.tensor([c])) for c in (-1.0, 1.0)]
    settings = MetaSettings(steps=300, inner_steps=1, inner_lr=0.5, outer_lr=0.05, weight_decay=0.0)
    costs = meta_train(module, lambda step: [(end, end) for end in ends], settings)
    assert abs(module.x.item()) < 0.02
    assert costs[-1] == pytest.approx(0.125, abs=1e-3)
    assert costs[0] > costs[-1]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"inner_lr": -1.0}, {"clip": 0.0}])
def test_settings_without_sense_are_refused(wrong):
    with pytest.raises(OptionError, match="more than 0"):
        MetaSettings(**wrong)


def test_the_mapper_is_the_published_arithmetic():
    """Written again with loops over heads; dropout only while learning."""
    torch.manual_seed(0)
    mapper = EpisodeMapper(5, 8, n_places=3, heads=2).eval()
    x = torch.randn(2, 1, 5)
    both = torch.cat([mapper.queries.expand(2, -1, -1), x], dim=1)
    q, k, v = mapper.ask(both), mapper.offer(both), mapper.hold(both)
    heads = []
    for h in range(2):
        part = slice(4 * h, 4 * h + 4)
        weights = torch.softmax(q[..., part] @ k[..., part].transpose(1, 2) / np.sqrt(8), dim=2)
        heads.append(q[..., part] + weights @ v[..., part])
    seen = mapper.norm_seen(torch.cat(heads, dim=2))
    out = mapper.norm_out(seen + torch.nn.functional.leaky_relu(mapper.out(seen)))
    torch.testing.assert_close(mapper(x), out[:, :3])
    mapper.train()
    assert not torch.equal(mapper(x), mapper(x))
    with pytest.raises(ValueError, match="shared"):
        EpisodeMapper(5, 9, heads=2)


def row(answer, k, question="Is it wide?"):
    return EpisodeRow(
        template=1,
        kind="verify",
        asked=question,
        question=question,
        answer=answer,
        recordings=(k,),
        patients=(f"p{k}",),
    )


ANSWERS = ("yes", "no", "not sure", "not late")


@pytest.fixture(scope="module")
def base():
    """Give a language model that has read that what stands before a question is its answer."""
    texts = [f"{a}\nQuestion: Is it {w}?\nAnswer: {a}" for w in ("wide", "late") for a in ANSWERS]
    return make_tiny_model(texts * 4, dim=32, layers=2, heads=2, epochs=120)


class Running(torch.nn.Module):
    """A stand-in for a language model, exact in 64 bits: words see the mean of those before."""

    def __init__(self, words, dim):
        super().__init__()
        self.words = torch.nn.Embedding(words, dim)
        self.out = torch.nn.Linear(dim, words)

    def get_input_embeddings(self):
        return self.words

    def set_attn_implementation(self, name):
        assert name == "eager"

    def forward(self, inputs_embeds, use_cache):
        n = torch.arange(1, inputs_embeds.shape[1] + 1)[:, None]
        logits = self.out(torch.tanh(3 * inputs_embeds.cumsum(dim=1) / n))
        return type("Said", (), {"logits": logits})


@pytest.fixture
def model(base):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 6))
    vectors[:20, 0] += 3
    vectors[20:, 0] -= 3
    torch.manual_seed(0)
    return FewShotModel(base, EpisodeMapper(6, 32, heads=2, dropout=0.0), vectors)


def episode(seed=0):
    rng = np.random.default_rng(seed)
    yes, no = rng.permutation(20), 20 + rng.permutation(20)
    rows = [[row("yes", int(k)) for k in yes], [row("no", int(k)) for k in no]]
    return Episode(
        support=tuple(r for some in rows for r in some[:5]),
        query=tuple(r for some in rows for r in some[5:10]),
    )


def test_the_language_model_stays_as_it_is_and_the_mapper_learns(model):
    frozen = {k: v.clone() for k, v in model.base.network.state_dict().items()}
    before = {k: v.clone() for k, v in model.mapper.state_dict().items()}
    settings = MetaSettings(steps=20, tasks=1, inner_steps=2, inner_lr=0.3, outer_lr=2e-2)
    costs = meta_train(model.mapper, lambda k: [model.task(episode(k))], settings)
    after = model.base.network.state_dict()
    assert all(torch.equal(frozen[k], after[k]) for k in frozen)
    assert any(not torch.equal(before[k], v) for k, v in model.mapper.state_dict().items())
    assert np.mean(costs[-5:]) < np.mean(costs[:2])
    said = model.answer(episode(99), steps=10, lr=0.3)
    assert np.mean([s.right for s in said]) >= 0.9
    blank = model.answer(episode(99), steps=10, lr=0.3, blank=True)
    assert len({s.text for s in blank}) == 1


def test_answering_changes_neither_mapper_nor_gradient(model):
    before = {k: v.clone() for k, v in model.mapper.state_dict().items()}
    first, again = (model.answer(episode(), steps=3) for _ in range(2))
    assert first == again
    assert all(torch.equal(before[k], v) for k, v in model.mapper.state_dict().items())


@pytest.mark.parametrize("first_order", [False, True])
def test_the_gradient_through_a_model_is_that_of_finite_differences(base, first_order):
    """In 64 bits, along one direction, through three inner steps; the first order's is another."""
    torch.manual_seed(1)
    network = Running(len(base.tokenizer), 8).double()
    exact = CausalModel(network=network, tokenizer=base.tokenizer, name="running mean", sha256="")
    vectors = np.random.default_rng(1).normal(size=(40, 6))
    mapper = EpisodeMapper(6, 8, heads=2, dropout=0.0).double()
    model = FewShotModel(exact, mapper, vectors)
    model.vectors = model.vectors.double()
    task = model.task(episode())
    settings = MetaSettings(inner_steps=3, inner_lr=0.5, first_order=first_order)
    start = dict(mapper.named_parameters())
    _, gradients = meta_gradient([task], start, settings)
    way = {name: torch.randn_like(value) for name, value in start.items()}
    slope = sum((gradients[n] * way[n]).sum().item() for n in start)

    def cost(t):
        moved = {n: (v + t * way[n]).detach().requires_grad_() for n, v in start.items()}
        return meta_gradient([task], moved, settings)[0]

    measured = (cost(1e-5) - cost(-1e-5)) / 2e-5
    assert (measured == pytest.approx(slope, rel=1e-5)) is not first_order


def test_the_published_accuracy_counts_tokens_where_ours_counts_answers(model):
    """All answers begin alike: half of the tokens are right without a look at anything."""
    asked = Episode(
        support=tuple(row("not late", k) for k in range(4, 14)),
        query=tuple(row("not sure", k) for k in range(4)),
    )
    said = model.answer(asked, steps=40, lr=0.3)
    assert {s.text for s in said} == {"not late"}
    assert [s.right for s in said] == [False] * 4
    assert [s.tokens_right for s in said] == [0.5] * 4


def test_an_answer_that_the_model_has_no_word_for_is_never_right(model):
    strange = Episode(support=(row("zebra", 0), row("zebra", 1)), query=(row("zebra", 2),))
    assert not model.answer(strange, steps=5, lr=0.3)[0].right


def test_what_does_not_fit_is_refused(base):
    mapper = EpisodeMapper(6, 32, heads=2)
    for wrong in (np.zeros((3, 5)), np.full((3, 6), np.nan)):
        with pytest.raises(SignalError):
            FewShotModel(base, mapper, wrong)
    model = FewShotModel(base, mapper, np.zeros((3, 6)))
    two = EpisodeRow(
        template=68, kind="query", asked="", question="?", answer="x",
        recordings=(0, 1), patients=("a", "b"),
    )  # fmt: skip
    with pytest.raises(SignalError, match="of one kind"):
        model.answer(Episode(support=(row("yes", 0), two), query=(two,)))
