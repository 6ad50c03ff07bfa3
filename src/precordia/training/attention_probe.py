# SPDX-License-Identifier: Apache-2.0
"""A small head on frozen tokens: one learned query looks for what matters, then a linear layer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError
from precordia.training.fit import Fitted, fit
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet


class AttentionProbe(nn.Module):
    """Multi-head attention of one learned query over tokens, and a linear layer.

    Parameters
    ----------
    dim
        Length of a token.
    n_outputs
        Number of logits.
    heads
        Number of heads; ``dim`` must be a multiple.

    Raises
    ------
    OptionError
        If tokens cannot be shared by so many heads.

    Notes
    -----
    The head called "frozen" in the benchmark of ECG foundation models: 16 heads, projections of
    query, key, value and output without bias, one learned query.

    References
    ----------
    Benchmarking ECG foundation models: a reality check across clinical tasks. arXiv:2509.25095

    Examples
    --------
    >>> AttentionProbe(32, 5)(torch.zeros(2, 10, 32)).shape
    torch.Size([2, 5])
    """

    def __init__(self, dim: int, n_outputs: int, *, heads: int = 16) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            fitting = [h for h in range(1, 65) if dim % h == 0]
            raise OptionError(
                f"tokens of {dim} numbers cannot be shared by {heads} heads; choose heads from "
                f"{', '.join(map(str, fitting))}."
            )
        self.heads = heads
        self.query = nn.Parameter(torch.randn(dim) * 0.02)
        self.to_query, self.to_key, self.to_value, self.to_output = (
            nn.Linear(dim, dim, bias=False) for _ in range(4)
        )
        self.head = nn.Linear(dim, n_outputs)

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch out"]:
        """Return logits."""
        batch, _, dim = tokens.shape
        query = self.to_query(self.query).reshape(1, 1, dim).expand(batch, 1, dim)

        def split(x: Tensor) -> Tensor:
            return x.reshape(batch, -1, self.heads, dim // self.heads).transpose(1, 2)

        found = F.scaled_dot_product_attention(
            split(query), split(self.to_key(tokens)), split(self.to_value(tokens))
        )
        return self.head(self.to_output(found.transpose(1, 2).reshape(batch, dim)))


def fit_attention_probe(
    train: TrainingSet,
    valid: TrainingSet,
    *,
    heads: int = 16,
    settings: TrainingSettings | None = None,
) -> Fitted:
    """Train the head on frozen tokens and keep the epoch that is best on validation.

    Parameters
    ----------
    train, valid
        Sets whose windows are tokens, (record, token, dim), such as `embed_windows` gives with
        ``what="tokens"``.
    heads
        Of the attention.
    settings
        Of the training. By default at most 50 epochs of AdamW at 1e-3 in batches of 64 without
        decay of the rate, stopped after ten without a better score.

    Returns
    -------
    The fitted head, ``.model``, and its history; `precordia.training.predict.predict` scores tokens
    with it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = (rng.random((60, 1)) < 0.5).astype(np.float32)
    >>> tokens = rng.normal(size=(60, 4, 8)).astype(np.float32) + 2 * labels[:, :, None]
    >>> sets = [TrainingSet(windows=tokens[k::2], labels=labels[k::2]) for k in (0, 1)]
    >>> chosen = TrainingSettings(epochs=2, lr=0.01, schedule="constant", workers=0)
    >>> fit_attention_probe(*sets, heads=2, settings=chosen).best_score > 0.9
    True
    """
    chosen = settings or TrainingSettings(
        epochs=50, batch_size=64, lr=1e-3, schedule="constant", warmup=0.0, patience=10
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(chosen.seed)
        probe = AttentionProbe(train.shape[1], train.n_outputs, heads=heads)
    return fit(probe, train, valid, chosen)
