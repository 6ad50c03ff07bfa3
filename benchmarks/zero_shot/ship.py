# SPDX-License-Identifier: Apache-2.0
"""The finished contrast becomes a graph, a text side beside it, and a card."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import torch
from cards import LEAST_FOR_THRESHOLD, LEAST_RECORDS, calibrate
from export import BOX, write_card, write_graph
from score import prompt_vectors
from torch import Tensor, nn
from torch.nn import functional

from precordia.embedding.text_pieces import content_words
from precordia.embedding.text_vectors import ENDING, word_number
from precordia.training.text_contrast import TextContrast

STEM = "precordia_words"
INPUT = Path(__file__).resolve().parents[1] / "classifier" / "input.toml"
#: cosines reach the calibration multiplied by this
SCALE = 10.0


class WordsGraph(nn.Module):
    """Windows to vectors of length 1, and their cosines with all known statements.

    Parameters
    ----------
    learner
        The finished contrast.
    directions
        Unit vectors of the statements.
    """

    def __init__(self, learner: TextContrast, directions: np.ndarray) -> None:
        super().__init__()
        self.learner = learner
        self.register_buffer("directions", torch.from_numpy(directions.astype(np.float32)))

    def forward(self, window: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and embedding."""
        window = window * present[:, :, None]
        encoder = self.learner.encoder
        view = encoder.look(window, present)
        pooled = encoder.pool(encoder.tokens_of(view, present), present)
        vector = functional.normalize(self.learner.project(pooled), dim=-1)
        return SCALE * vector @ self.directions.T, vector


@torch.no_grad()
def halve(learner: TextContrast) -> TextContrast:
    """Round weights to what 16 bits hold, as they are shipped."""
    for weight in learner.parameters():
        weight.copy_(weight.half().float())
    return learner.eval()


def write_model(
    learner: TextContrast,
    texts: list[str],
    normal: np.ndarray,
    codes: list[str],
    *,
    style: str,
    apart: tuple[np.ndarray, np.ndarray],
    about: dict,
    box: Path = BOX,
) -> Path:
    """Write graph, text side and card.

    Parameters
    ----------
    learner
        The finished contrast, halved.
    texts
        All that it has learned from.
    normal
        Vectors of normal recordings that it has not learned from.
    codes
        Statements with a calibrated answer.
    style
        Prompts of a statement.
    apart
        Cosines of recordings by contrasts that never saw them, and the labels, for calibration.
    about
        Tables of the card: scores, licence, training and so on.
    box
        Where.
    """
    path = box / f"{STEM}.onnx"
    directions = prompt_vectors(learner, codes, style)
    write_graph(WordsGraph(learner, directions).eval(), path, any_lead=True)
    _write_text_side(learner, texts, normal, path)
    calibration, thresholds = calibrate(codes, SCALE * apart[0], apart[1], 1)
    card = {
        "name": "precordia-words-1",
        "task": "recordings and texts in one space: any statement, named in words",
        "data": ["ptbxl"],
        "rebuild": "python benchmarks/zero_shot/train.py --data ../shared/data --work /tmp/work",
        "classes": codes,
        **about,
        "input": tomllib.loads(INPUT.read_text("utf-8"))["input"],
        "words": {"prompts": style, "n_pieces": learner.text_encoder.vectors.num_embeddings},
        "calibration": calibration,
        "thresholds": thresholds,
        "recordings_needed": {"to_learn": LEAST_RECORDS, "for_threshold": LEAST_FOR_THRESHOLD},
    }
    write_card(path, card)
    return path


def _write_text_side(learner: TextContrast, texts: list[str], normal: np.ndarray, path: Path):
    bag = learner.text_encoder
    half = {
        "vectors": bag.vectors.weight,
        "strength": bag.strength.weight[:, 0],
        "first": bag.first.weight,
        "first_bias": bag.first.bias,
        "second": bag.second.weight,
        "second_bias": bag.second.bias,
    }
    arrays = {name: w.detach().numpy().astype(np.float16) for name, w in half.items()}
    words = {word_number(word) for text in texts for word in content_words(text)}
    arrays |= {"words": np.array(sorted(words), np.uint32), "normal": normal.astype(np.float16)}
    np.savez_compressed(path.with_suffix(ENDING), **arrays)
