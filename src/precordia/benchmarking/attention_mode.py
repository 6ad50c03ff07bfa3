# SPDX-License-Identifier: Apache-2.0
"""A frozen encoder under a head that learns where to look: one query over its tokens."""

from __future__ import annotations

import dataclasses

import numpy as np

from precordia.benchmarking.choosing import finish, prior_logits, sigmoid
from precordia.benchmarking.networks import Network, mean_of_windows
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
    """
    encoder = network.load(0, seed=seed).eval()
    chosen = dataclasses.replace(settings or _SETTINGS, seed=seed)
    few = train if len(rows) == len(train) else train.few(rows)
    sets = [_tokens(encoder, network, part) for part in (few, valid)]
    heads = next(n for n in _HEADS if sets[0].shape[1] % n == 0)
    fitted = fit_attention_probe(*sets, heads=heads, settings=chosen)
    prior = prior_logits(train.targets[rows])

    def answer(part: Part) -> np.ndarray:
        logits = predict(fitted.model, _tokens(encoder, network, part))
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
