# SPDX-License-Identifier: Apache-2.0
"""Vocabulary extension: symbols of a recording become new words of the model."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.language.adapters.adapter import Adapter

#: words that stand before and behind the symbols of a recording
_FRAME = 2


class VocabularyExtension(Adapter):
    """Give the symbols of a tokenizer rows of their own in a language model's vocabulary.

    Parameters
    ----------
    width
        Length of a vector of the vocabulary.
    n_symbols
        Symbols of the tokenizer; two more words frame a recording.
    tied
        Whether the model reads and writes words with the same rows.
    out_width
        Length of a row that writes words, where it is another.

    Notes
    -----
    Method: as in DiagECG and LLM-ABBA, a recording is written in symbols that the model learns as
    words: the vocabulary gets rows for them, each at first the mean of the old ones. The old rows
    stay as they are to the bit, in what is read and in what is written; only the new ones learn.

    The network is really resized (`attach`), so that its configuration counts the new words. While
    they learn, the new rows are held here and put in place on the way through the network, so that
    no gradient and no moment of the optimiser is kept for the old ones; `write_rows` writes
    what was learned into the network.

    References
    ----------
    Yang J, et al. DiagECG: an LLM-driven framework for diagnostic reasoning via discretized ECG
    tokenization. 2025. arXiv:2508.15338
    Carson E, Chen X, Kang C. LLM-ABBA: understanding time series via symbolic approximation. 2024.
    arXiv:2411.18506
    """

    name: ClassVar[str] = "vocabulary-extension"
    takes: ClassVar = "symbols"
    fills_places: ClassVar[bool] = False

    def __init__(
        self, width: int, *, n_symbols: int, tied: bool = True, out_width: int | None = None
    ) -> None:
        super().__init__()
        self.n_symbols, self.n_new = n_symbols, n_symbols + _FRAME
        self.rows = nn.Parameter(torch.zeros(self.n_new, width))
        self.rows_out = None if tied else nn.Parameter(torch.zeros(self.n_new, out_width or width))
        self.n_old = 0
        self._held: list[Any] = []  # a list, so that the network is no part of this one
        self._hooks: list[Any] = []

    def places(self, recording: Int[np.ndarray, " token"]) -> list[int]:
        """Return the rows of the vocabulary that stand for the symbols, framed."""
        symbols = np.asarray(recording, np.int64)
        if symbols.size and not 0 <= int(symbols.min()) <= int(symbols.max()) < self.n_symbols:
            raise OptionError(
                f"symbols from {symbols.min()} to {symbols.max()} arrived, and the vocabulary was "
                f"extended by {self.n_symbols}. Encode with the tokenizer it was made for."
            )
        first = self.n_old + self.n_symbols
        return [first, *(symbols + self.n_old).tolist(), first + 1]

    def attach(self, network: nn.Module) -> None:
        """Give the network the new rows, each the mean of the old ones."""
        self.detach()
        net: Any = network
        self._held = [net]
        self.n_old = int(net.get_input_embeddings().weight.shape[0])
        old_in = net.get_input_embeddings().weight.detach().clone()
        head = net.get_output_embeddings()
        old_out = None if self.rows_out is None else head.weight.detach().clone()
        old_bias = None if head.bias is None else head.bias.detach().clone()
        net.resize_token_embeddings(self.n_old + self.n_new, mean_resizing=False)
        head = net.get_output_embeddings()
        with torch.no_grad():
            self.rows.copy_(old_in.float().mean(dim=0).expand_as(self.rows))
            if self.rows_out is not None and old_out is not None:
                self.rows_out.copy_(old_out.float().mean(dim=0).expand_as(self.rows_out))
            if old_bias is not None:
                head.bias[self.n_old :] = old_bias.mean()
        net.get_input_embeddings().weight.requires_grad_(False)
        head.weight.requires_grad_(False)
        if head.bias is not None:
            head.bias.requires_grad_(False)
        self.write_rows()
        self._hooks = [
            net.get_input_embeddings().register_forward_hook(self._read),
            head.register_forward_hook(self._write),
        ]

    def detach(self) -> None:
        """Take the hooks away and the new rows out of the network."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        for network in self._held:
            network.resize_token_embeddings(self.n_old, mean_resizing=False)
        self._held.clear()

    def write_rows(self) -> None:
        """Write what was learned into the network's own rows."""
        out = self.rows if self.rows_out is None else self.rows_out
        with torch.no_grad():
            for network in self._held:
                for layer, rows in (
                    (network.get_input_embeddings(), self.rows),
                    (network.get_output_embeddings(), out),
                ):
                    layer.weight[self.n_old :] = rows.to(layer.weight)

    def _read(self, layer: nn.Module, given: tuple, vectors: Tensor) -> Tensor:
        new = given[0] >= self.n_old
        mine = self.rows[(given[0] - self.n_old).clamp(min=0)].to(vectors.dtype)
        return torch.where(new[..., None], mine * getattr(layer, "embed_scale", 1.0), vectors)

    def _write(self, head: nn.Linear, given: tuple, logits: Tensor) -> Tensor:
        rows = self.rows if self.rows_out is None else self.rows_out
        bias = None if head.bias is None else head.bias[self.n_old :]
        mine = functional.linear(given[0], rows.to(given[0].dtype), bias)
        return torch.cat([logits[..., : self.n_old], mine.to(logits.dtype)], dim=-1)

    def forward(self, recordings: Tensor) -> None:
        """Return nothing: symbols stand for recordings."""

    def options(self) -> dict[str, Any]:
        """Return what it was made with: nothing but what the tokenizer says."""
        return {}
