# SPDX-License-Identifier: Apache-2.0
"""A tiny language model from scratch, for trying an adapter end to end in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from precordia.core.errors import OptionError, OutputError
from precordia.core.registry import load_object
from precordia.language.causal_model import CausalModel, causal_model, without_bars
from precordia.training.order import batch_of, n_batches

_UNKNOWN, _BEGIN, _END = "[unknown]", "[begin]", "[end]"
TINY = "tiny model from scratch"


def make_tiny_model(
    texts: Sequence[str],
    *,
    dim: int = 64,
    layers: int = 2,
    heads: int = 4,
    epochs: int = 0,
    lr: float = 3e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> CausalModel:
    """Make a tiny Llama whose words are those of some texts, and let it read them.

    Parameters
    ----------
    texts
        Questions with their answers, of the training part alone.
    dim, layers, heads
        Size: 64 and 2 are 0.1 million weights beside the vocabulary, 128 and 4 are a million.
    epochs, lr, batch_size
        How often, how fast and how many at once it reads the texts; 0 epochs leave it as drawn.
    seed
        Of weights and order.

    Notes
    -----
    It has read nothing but these texts: it proves that adapters learn, and says nothing of how
    well a real language model would do.

    Examples
    --------
    >>> model = make_tiny_model(["Is this normal? yes", "Is this normal? no"], dim=16, layers=1)
    >>> model.about["type"], model.about["words"]
    ('llama', 9)
    """
    if not texts:
        raise OptionError("no text arrived to make a tiny model of; questions are needed.")
    tokenizer = _word_tokenizer(texts)
    how: dict[str, Any] = {"extra": "language", "purpose": "a tiny language model"}
    config: Any = load_object("transformers:LlamaConfig", **how)
    network_kind: Any = load_object("transformers:LlamaForCausalLM", **how)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = network_kind(
            config(
                vocab_size=len(tokenizer),
                hidden_size=dim,
                intermediate_size=4 * dim,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                num_key_value_heads=heads,
                max_position_embeddings=4096,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=None,
                tie_word_embeddings=True,
            )
        )
    if epochs:
        _read_texts(network, tokenizer, texts, epochs, lr, batch_size, seed)
    return causal_model(network, tokenizer, TINY)


def save_tiny_model(model: CausalModel, folder: Path) -> Path:
    """Save the model beside its adapter, as transformers does."""
    try:
        with without_bars():
            model.network.save_pretrained(folder)
            model.tokenizer.save_pretrained(folder)
    except OSError as error:
        raise OutputError(f"'{folder}' could not be written ({error.strerror}).") from error
    return folder


def _word_tokenizer(texts: Sequence[str]) -> Any:
    tokenizers = load_object(
        "transformers:PreTrainedTokenizerFast", extra="language", purpose="a tiny language model"
    )
    library: Any = load_object("tokenizers:Tokenizer", extra="language")
    words: Any = load_object("tokenizers.models:WordLevel", extra="language")
    split: Any = load_object("tokenizers.pre_tokenizers:Whitespace", extra="language")
    lower: Any = load_object("tokenizers.normalizers:Lowercase", extra="language")
    trainer: Any = load_object("tokenizers.trainers:WordLevelTrainer", extra="language")
    made = library(words(unk_token=_UNKNOWN))
    made.normalizer, made.pre_tokenizer = lower(), split()
    learn = trainer(special_tokens=[_UNKNOWN, _BEGIN, _END], show_progress=False)
    made.train_from_iterator(texts, learn)
    return tokenizers(tokenizer_object=made, unk_token=_UNKNOWN, bos_token=_BEGIN, eos_token=_END)


def _read_texts(
    network: Any,
    tokenizer: Any,
    texts: Sequence[str],
    epochs: int,
    lr: float,
    batch_size: int,
    seed: int,
) -> None:
    """Train the model on the next word of the texts."""
    rows = [
        [
            tokenizer.bos_token_id,
            *tokenizer(text, add_special_tokens=False)["input_ids"],
            tokenizer.eos_token_id,
        ]
        for text in texts
    ]
    optimiser = torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=0.01)
    network.train()
    for epoch in range(epochs):
        for number in range(n_batches(len(rows), batch_size)):
            batch = batch_of(len(rows), batch_size, seed=seed, epoch=epoch, number=number)
            few = [rows[k] for k in batch.rows]
            longest = max(map(len, few))
            ids = torch.tensor(
                [row + [tokenizer.eos_token_id] * (longest - len(row)) for row in few]
            )
            length = torch.tensor([[len(row)] for row in few])
            there = torch.arange(longest)[None] < length
            labels = ids.masked_fill(~there, -100)
            optimiser.zero_grad(set_to_none=True)
            loss = network(input_ids=ids, attention_mask=there.long(), labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
    network.eval()
