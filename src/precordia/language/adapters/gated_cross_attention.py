# SPDX-License-Identifier: Apache-2.0
"""Gated cross-attention: words look at the recording before chosen layers of the model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from precordia.language.adapters.adapter import Adapter
from precordia.language.network_parts import decoder_layers
from precordia.nn.cross_attention import CrossAttention
from precordia.nn.patching import PerLeadPatches
from precordia.nn.positions import LeadEmbedding, LearnedPositions


def _mlp(dim: int, ratio: int = 4) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim), nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim)
    )


class PerceiverResampler(nn.Module):
    """Gather any number of tokens in a fixed number of vectors.

    Parameters
    ----------
    dim
        Length of tokens and vectors.
    n_latents
        Number of vectors.
    depth, heads
        Of the layers, in each of which the vectors look at the tokens and at one another.

    References
    ----------
    Alayrac JB, et al. Flamingo: a visual language model for few-shot learning. NeurIPS 2022.
    arXiv:2204.14198

    Examples
    --------
    >>> PerceiverResampler(16, n_latents=4, depth=1, heads=2)(torch.zeros(3, 50, 16)).shape
    torch.Size([3, 4, 16])
    """

    def __init__(self, dim: int, *, n_latents: int, depth: int, heads: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(n_latents, dim) * 0.02)
        self.norm_tokens = nn.ModuleList(nn.LayerNorm(dim) for _ in range(depth))
        self.norm_latents = nn.ModuleList(nn.LayerNorm(dim) for _ in range(depth))
        self.look = nn.ModuleList(CrossAttention(dim, dim, heads=heads) for _ in range(depth))
        self.mlp = nn.ModuleList(_mlp(dim) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def forward(
        self, tokens: Float[Tensor, "recording token dim"]
    ) -> Float[Tensor, "recording latent dim"]:
        """Return the vectors."""
        held = self.latents.expand(len(tokens), -1, -1)
        layers = zip(self.norm_tokens, self.norm_latents, self.look, self.mlp, strict=True)
        for norm_tokens, norm_latents, look, mlp in layers:
            asking = norm_latents(held)
            held = held + look(asking, torch.cat([norm_tokens(tokens), asking], dim=1))
            held = held + mlp(held)
        return self.norm(held)


class GatedLook(nn.Module):
    """What stands before a layer: words look at the recording, through gates that begin closed.

    Parameters
    ----------
    width
        Length of a vector of the language model's layers.
    dim
        Length of a vector of a recording.
    heads, head_dim
        Of the attention.
    """

    def __init__(self, width: int, dim: int, *, heads: int, head_dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.look = CrossAttention(width, dim, heads=heads, head_dim=head_dim, bias=False)
        self.gate_look = nn.Parameter(torch.zeros(()))
        self.mlp = _mlp(width)
        self.gate_mlp = nn.Parameter(torch.zeros(()))

    def forward(
        self,
        words: Float[Tensor, "batch token width"],
        seen: Float[Tensor, "batch seen dim"],
        allowed: Bool[Tensor, "batch seen"],
    ) -> Float[Tensor, "batch token width"]:
        """Return the words after their look; a row without any recording is left as it is."""
        held = words.to(seen.dtype)
        there = allowed.any(dim=1)[:, None, None].to(held.dtype)
        held = held + there * self.gate_look.tanh() * self.look(self.norm(held), seen, allowed)
        held = held + there * self.gate_mlp.tanh() * self.mlp(held)
        return held.to(words.dtype)


class GatedCrossAttention(Adapter):
    """Let the words of any causal model look at recordings before some of its layers.

    Parameters
    ----------
    width
        Length of a vector of the language model's layers.
    n_layers
        Layers of the language model.
    n_leads, n_samples
        Shape of a recording.
    patch, dim
        Samples of a piece of the signal, and the length of its vector.
    n_latents, depth, heads
        Of the resampler: a recording is so many vectors, however long it is.
    every
        Words look before the first layer and every so many after it.

    Notes
    -----
    Method: the second adapter of OpenTSLM, after Flamingo. Pieces of the signal (a convolution with
    learned positions, no transformer) are gathered by a Perceiver resampler. Before a layer of the
    language model stand cross-attention and a two-layer network, each behind a gate ``tanh(g)``
    with ``g`` = 0 at first, so that the model says at first exactly what it said before. The layers
    themselves are not touched: what stands before them is a hook, for which any decoder will do.

    Departures: all leads are frames of one medium with a learned vector each; every word may look
    at all recordings of its question, while Flamingo shows the last one before it; widths of heads
    follow ``dim``.

    References
    ----------
    Langer P, et al. OpenTSLM. 2025. arXiv:2510.02410. Alayrac JB, et al. Flamingo. NeurIPS 2022.
    arXiv:2204.14198

    Examples
    --------
    >>> adapter = GatedCrossAttention(
    ...     32, n_layers=2, n_leads=2, n_samples=40, dim=16, n_latents=3, depth=1, heads=2
    ... )
    >>> adapter(torch.zeros(4, 2, 40)).shape
    torch.Size([4, 3, 16])
    """

    name: ClassVar[str] = "gated-cross-attention"
    takes: ClassVar = "signal"
    fills_places: ClassVar[bool] = False

    def __init__(
        self,
        width: int,
        *,
        n_layers: int,
        n_leads: int,
        n_samples: int,
        patch: int = 4,
        dim: int = 128,
        n_latents: int = 64,
        depth: int = 2,
        heads: int = 8,
        every: int = 1,
    ) -> None:
        super().__init__()
        self._told = {
            "patch": patch,
            "dim": dim,
            "n_latents": n_latents,
            "depth": depth,
            "heads": heads,
            "every": every,
        }
        self.pieces = PerLeadPatches(patch, dim, bias=False)
        self.positions = LearnedPositions(n_samples // patch, dim)
        self.lead = LeadEmbedding(n_leads, tuple(range(n_leads)), dim)
        self.resampler = PerceiverResampler(dim, n_latents=n_latents, depth=depth, heads=heads)
        self.before = tuple(range(0, n_layers, every))
        self.looks = nn.ModuleList(
            GatedLook(width, dim, heads=heads, head_dim=max(dim // heads, 8)) for _ in self.before
        )
        self._hooks: list[Any] = []
        self._seen: tuple[Tensor, Tensor] | None = None

    def places(self, recording: np.ndarray) -> list[int]:
        """Return no place: the recording is shown elsewhere."""
        return []

    def attach(self, network: nn.Module) -> None:
        """Put a look before the chosen layers of a network."""
        self.detach()
        layers = decoder_layers(network)
        for look, number in zip(self.looks, self.before, strict=True):
            hook = self._before_layer(look)
            self._hooks.append(layers[number].register_forward_pre_hook(hook, with_kwargs=True))

    def detach(self) -> None:
        """Take the looks away again."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _before_layer(self, look: nn.Module) -> Any:
        def hook(layer: nn.Module, given: tuple, named: dict) -> tuple[tuple, dict] | None:
            if self._seen is None:
                return None
            if given:
                return (look(given[0], *self._seen), *given[1:]), named
            return given, {**named, "hidden_states": look(named["hidden_states"], *self._seen)}

        return hook

    @contextlib.contextmanager
    def shown(
        self, vectors: Tensor | None, rows: Int[Tensor, " recording"], n_rows: int
    ) -> Iterator[None]:
        """Show each row of tokens its recordings while the block lasts."""
        self._seen = None if vectors is None else _by_row(vectors, rows, n_rows)
        try:
            yield
        finally:
            self._seen = None

    def forward(
        self, recordings: Float[Tensor, "recording lead sample"]
    ) -> Float[Tensor, "recording place width"]:
        """Return the vectors that words look at."""
        tokens = self.positions(self.pieces(recordings)) + self.lead()[:, None]
        return self.resampler(tokens.flatten(1, 2))

    def options(self) -> dict[str, Any]:
        """Return what it was made with."""
        return dict(self._told)


def _by_row(
    vectors: Float[Tensor, "recording place dim"], rows: Int[Tensor, " recording"], n_rows: int
) -> tuple[Float[Tensor, "batch seen dim"], Bool[Tensor, "batch seen"]]:
    """Put the vectors of all recordings of a row beside each other, and say which are there."""
    n, place, dim = (int(size) for size in vectors.shape)
    most = int(torch.bincount(rows, minlength=n_rows).max())
    before = (rows[:, None] == rows[None]).tril(-1).sum(dim=1)  # of the same row, that came earlier
    held = vectors.new_zeros(n_rows, most, place, dim)
    held = held.index_put((rows, before), vectors)
    there = torch.zeros(n_rows, most, dtype=torch.bool, device=vectors.device)
    there = there.index_put((rows, before), torch.ones(n, dtype=torch.bool, device=vectors.device))
    return held.flatten(1, 2), there.repeat_interleave(place, dim=1)
