# SPDX-License-Identifier: Apache-2.0
"""A frozen encoder under a head that learns where to look: one query over its tokens."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.choosing import finish, prior_logits, sigmoid
from precordia.benchmarking.networks import Network
from precordia.benchmarking.part_embeddings import mean_of_windows
from precordia.benchmarking.withheld import Chosen, Part
from precordia.training.attention_probe import fit_attention_probe
from precordia.training.embedding_cache import embed_windows
from precordia.training.predict import predict
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

#: heads of the attention, fewer where tokens cannot be shared by so many
_HEADS = (16, 8, 4, 2, 1)
#: as in the benchmark of ECG foundation models
_SETTINGS = TrainingSettings(
    epochs=50, batch_size=64, lr=1e-3, schedule="constant", warmup=0.0, patience=10
)


def learn_attention(
    network: Network,
    train: Part,
    rows: np.ndarray,
    valid: Part,
    *,
    seed: int,
    settings: TrainingSettings | None = None,
) -> Chosen:
    """Train an attention head on frozen tokens; validation chooses the epoch.

    Parameters
    ----------
    network
        The encoder.
    train, rows
        Training records, and those whose labels may be used.
    valid
        Records to choose on.
    seed
        Of the head, of random weights, and of the order.
    settings
        Of the training; those of the benchmark of ECG foundation models by default.

    Notes
    -----
    Each entry of the tokens gets mean 0 and standard deviation 1 over the tokens of the training
    records, which that benchmark does not do: without it the score of a head that takes few steps
    says how large an encoder's numbers are.
    """
    encoder = network.load(0, seed=seed).eval()
    chosen = dataclasses.replace(settings or _SETTINGS, seed=seed)
    few = train if len(rows) == len(train) else train.few(rows)
    seen = _tokens(encoder, network, few)
    mean, scale = _spread(seen.windows)
    sets = [seen, _tokens(encoder, network, valid)]
    sets = [dataclasses.replace(held, windows=(held.windows - mean) / scale) for held in sets]
    heads = next(n for n in _HEADS if sets[0].shape[1] % n == 0)
    fitted = fit_attention_probe(*sets, heads=heads, settings=chosen)
    prior = prior_logits(train.targets[rows])

    def answer(part: Part) -> np.ndarray:
        tokens = _tokens(encoder, network, part).windows
        logits = predict(fitted.model, (tokens - mean) / scale)
        found = mean_of_windows(logits.astype(float), part.windows(network.spec), len(part))
        return np.where(np.isfinite(found), found, prior)

    return finish(
        answer,
        valid,
        probabilities=sigmoid,
        selection=(
            f"{heads} heads, epoch {fitted.best_epoch + 1} of {len(fitted.epochs)} by validation "
            f"{fitted.metric} ({fitted.best_score:.3f})"
        ),
        weights=(value.detach().cpu().numpy() for value in fitted.model.state_dict().values()),
        spec=network.spec.fingerprint,
        notes=tuple(remark.text for remark in fitted.remarks),
    )


def _spread(
    tokens: Float[np.ndarray, "window token dim"],
) -> tuple[Float[np.ndarray, " dim"], Float[np.ndarray, " dim"]]:
    """Return mean and standard deviation of each entry; 1 for what never changes."""
    mean, scale = tokens.mean(axis=(0, 1)), tokens.std(axis=(0, 1))
    return mean, np.where(scale > 1e-6 * np.abs(mean), scale, 1).astype(tokens.dtype)


def _tokens(encoder, network: Network, part: Part) -> TrainingSet:
    """Tokens of all windows of a part, once."""
    held = part.windows(network.spec)
    tokens = embed_windows(
        encoder,
        held.windows,
        present=None if held.present.all() else held.present,
        what="tokens",
        cache=False,
    )
    return TrainingSet(
        windows=tokens,
        labels=part.targets[held.owner],
        classes=part.cohort.classes,
        names=[part.cohort.names[k] for k in held.owner],
        patients=[part.cohort.patients[k] for k in held.owner],
    )
