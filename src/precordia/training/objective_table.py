# SPDX-License-Identifier: Apache-2.0
"""The table of objectives: what each does, needs and can be told. Listing loads no PyTorch."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

from precordia.core.errors import OptionError, unknown_name
from precordia.training.objective_row import Row

#: every objective of `precordia pretrain`, by name
OBJECTIVES: dict[str, Row] = {
    "jepa": Row(
        path="precordia.training.objectives.jepa:Jepa",
        title="joint-embedding prediction of hidden blocks of time",
        paper="arXiv:2410.13867",
        does="predicts the tokens that a slow copy of the encoder gives for hidden stretches",
        architecture="vit1d",
        model_options={"patch": 25, "width": 64, "depth": 2, "heads": 2, "drop_path": 0.0},
        architectures=("vit1d",),
        options={
            "kept_least": 0.15,
            "kept_most": 0.25,
            "shortest_ms": 500.0,
            "predictor_width": 0,
            "predictor_depth": 2,
            "predictor_heads": 2,
            "decay_first": 0.99,
            "decay_last": 0.9995,
            "standardise": True,
        },
        training={"lr": 0.002},
    ),
    "mae": Row(
        path="precordia.training.objectives.mae:Mae",
        title="masked auto-encoding of patches",
        paper="arXiv:2111.06377",
        does="draws three quarters of the patches of a window from the rest",
        architecture="vit1d",
        model_options={"patch": 25, "width": 64, "depth": 2, "heads": 2, "drop_path": 0.0},
        architectures=("vit1d",),
        options={
            "hidden": 0.75,
            "decoder_width": 64,
            "decoder_depth": 2,
            "decoder_heads": 4,
            "normalise": True,
        },
    ),
    "wav2vec": Row(
        path="precordia.training.objectives.wav2vec:Wav2Vec2Cmsc",
        title="wav2vec 2.0 with pairs of segments and leads hidden at random",
        paper="arXiv:2203.06889; arXiv:2408.05178",
        does="recognises words for hidden stretches, and the other segment of the recording",
        architecture="ecg-fm",
        model_options={"width": 64, "dim": 96, "depth": 3, "heads": 4},
        architectures=("ecg-fm",),
        grouping="neighbours",
        options={
            "hidden": 0.65,
            "span": 4,
            "groups": 2,
            "n_codes": 32,
            "projected": 64,
            "n_negatives": 20,
            "temperature": 0.1,
            "pair_temperature": 0.1,
            "choice_first": 2.0,
            "choice_last": 0.5,
            "diversity": 0.1,
            "penalty": 10.0,
            "pairs": 1.0,
            "gradient": 0.1,
            "masked_leads": 0.5,
        },
        input={"fs": 100, "seconds": 5},
    ),
    "heartlang": Row(
        path="precordia.training.objectives.heartlang:HeartLangWords",
        title="beats as words",
        paper="arXiv:2502.10707",
        does="learns a vocabulary of beats, then tells which words the hidden beats are",
        architecture="heart-lang",
        model_options={"width": 96, "depth": 3, "heads": 4, "head_dim": 24, "mlp_dim": 384},
        architectures=("heart-lang",),
        needs=("rpeaks",),
        options={
            "vocabulary_share": 0.3,
            "n_codes": 256,
            "code_dim": 16,
            "vocabulary_width": 64,
            "vocabulary_depth": 2,
            "decoder_depth": 1,
            "vocabulary_heads": 2,
            "commitment": 1.0,
            "hidden": 0.5,
        },
    ),
    "cpc": Row(
        path="precordia.training.objectives.cpc:Cpc",
        title="contrastive predictive coding",
        paper="arXiv:1807.03748; arXiv:2509.25095",
        does="recognises, from the past alone, what comes a little later among other steps",
        architecture="s4",
        model_options={
            "width": 128,
            "depth": 2,
            "state": 8,
            "bidirectional": False,
            "stride": 4,
            "stem_layers": 3,
            "dropout": 0.1,
        },
        architectures=("s4",),
        options={
            "ahead_ms": (120.0,),
            "n_within": 64,
            "n_across": 1,
            "temperature": 1.0,
        },
    ),
    "simclr": Row(
        path="precordia.training.objectives.simclr:SimClr",
        title="SimCLR",
        paper="arXiv:2002.05709",
        does="lets two changed views of one window find each other among all others",
        architecture="resnet1d",
        model_options={"width": 32},
        options={
            "projected": 128,
            "hidden": 512,
            "temperature": 0.1,
            "n_views": 2,
            "crop": 0.8,
            "gain_db": 2.0,
            "noise": 0.5,
            "masked_leads": 0.2,
            "masked_spans": 1,
        },
    ),
    "byol": Row(
        path="precordia.training.objectives.byol:Byol",
        title="BYOL",
        paper="arXiv:2006.07733",
        does="tells from one view what a slow copy of the encoder sees in another",
        architecture="resnet1d",
        model_options={"width": 32},
        options={
            "projected": 128,
            "hidden": 512,
            "decay_first": 0.99,
            "decay_last": 1.0,
            "crop": 0.8,
            "gain_db": 2.0,
            "noise": 0.5,
            "masked_leads": 0.2,
            "masked_spans": 1,
        },
    ),
    "moco_koleo": Row(
        path="precordia.training.objectives.moco_koleo:MocoKoleo",
        title="momentum contrast between participants, with KoLeo",
        paper="arXiv:2312.05409",
        does="lets recordings of one person find each other, and keeps embeddings apart",
        architecture="resnet1d",
        model_options={"width": 32},
        grouping="patients",
        options={
            "projected": 128,
            "hidden": 512,
            "temperature": 0.04,
            "spread": 0.1,
            "decay": 0.99,
            "crop": 1.0,
            "gain_db": 2.0,
            "noise": 0.5,
            "masked_leads": 0.2,
            "masked_spans": 1,
        },
    ),
    "cmsc": Row(
        path="precordia.training.objectives.cmsc:Cmsc",
        title="CLOCS, contrastive multi-segment coding",
        paper="arXiv:2005.13249",
        does="lets neighbouring stretches of one recording find each other",
        architecture="resnet1d",
        model_options={"width": 32},
        grouping="neighbours",
        options={
            "projected": 128,
            "hidden": 512,
            "temperature": 0.1,
            "gain_db": 0.0,
            "noise": 0.0,
            "masked_leads": 0.5,
        },
        input={"seconds": 5.0},
    ),
    "simdino": Row(
        path="precordia.training.objectives.simdino:SimDino",
        title="SimDINOv2, as for xECG",
        paper="arXiv:2502.10385",
        does="lets crops and hidden tokens agree with a slow copy; a coding rate keeps them apart",
        architecture="vit1d",
        model_options={"patch": 25, "width": 64, "depth": 2, "heads": 2},
        options={
            "projected": 128,
            "hidden": 512,
            "spread": 0.1,
            "distortion": 0.05,
            "token_weight": 1.0,
            "masked_share": 0.3,
            "masked_tokens": 4,
            "n_local": 4,
            "global_crop": 0.8,
            "local_crop": 0.4,
            "decay_first": 0.99,
            "decay_last": 1.0,
            "gain_db": 2.0,
            "noise": 0.5,
            "masked_leads": 0.2,
        },
    ),
    "clef": Row(
        path="precordia.training.objectives.clef:Clef",
        title="CLEF",
        paper="arXiv:2512.02180",
        does="parts recordings the further, the less alike the clinical risks of their patients",
        architecture="net1d",
        model_options={"size": "small"},
        needs=("ages", "males"),
        options={
            "weighted": True,
            "handle_missing": True,
            "least": 0.2,
            "temperature": 0.07,
            "one_lead": False,
            "same_lead": 0.8,
            "projected": 0,
            "hidden": 512,
            "gain_db": 0.0,
            "noise": 0.8,
            "masked_leads": 0.2,
            "masked_spans": 1,
        },
        input={"fs": 100.0, "seconds": 10.0},
    ),
    "comet": Row(
        path="precordia.training.objectives.comet:Comet",
        title="COMET",
        paper="arXiv:2310.14017",
        does="contrasts moments, samples, trials and patients, each level by itself",
        architecture="resnet1d",
        model_options={"width": 32},
        grouping="patients",
        options={
            "observation": 0.1,
            "sample": 0.1,
            "trial": 0.7,
            "patient": 0.1,
            "n_pieces": 2,
            "projected": 64,
            "temperature": 0.1,
            "masked_spans": 5,
            "masked_share": 0.1,
        },
    ),
    "lejepa": Row(
        path="precordia.training.objectives.lejepa:LeJepa",
        title="LeJEPA, with queries to any leads",
        paper="arXiv:2511.08544",
        does="lets views with leads of their own meet, and keeps embeddings normal (SIGReg)",
        architecture="lead-queries",
        options={
            "projected": 32,
            "hidden": 512,
            "regularisation": 0.05,
            "n_directions": 256,
            "n_local": 4,
            "global_crop": 0.8,
            "local_crop": 0.4,
            "gain_db": 2.0,
            "noise": 0.5,
            "masked_leads": 0.5,
            "masked_spans": 1,
        },
    ),
}


def list_objectives() -> tuple[str, ...]:
    """Return the names of the objectives that `precordia pretrain` knows.

    Examples
    --------
    >>> isinstance(list_objectives(), tuple)
    True
    """
    return tuple(OBJECTIVES)


def objective_row(name: str) -> Row:
    """Return what is known of an objective.

    Raises
    ------
    UnknownNameError
        If there is none of that name; the nearest is named.
    """
    if name not in OBJECTIVES:
        raise unknown_name("objective", str(name), OBJECTIVES, listing=", ".join(OBJECTIVES))
    return OBJECTIVES[name]


def complete_objective_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every option of an objective: those given, the default for the others.

    Raises
    ------
    OptionError
        If an option is unknown, of another kind than its default, or a number that no objective can
        use: one below zero or not finite, a temperature of zero, a single view to be compared.
    """
    known = objective_row(name).options
    told = dict(known)
    for key, value in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            listed = ", ".join(known) or "none"
            raise OptionError(f"{name} has no option '{key}'.{hint} Its options: {listed}.")
        told[key] = _of_kind(name, key, value, known[key])
        _check_range(name, key, told[key])
    return told


#: one view has no other of its window to be found by: its loss is zero, and nothing is learned
_FEWEST_VIEWS = 2
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
    tuple: "a list",
}


def _of_kind(name: str, key: str, value: Any, usual: Any) -> Any:
    """Return a value in the kind of its default: whole numbers are numbers, lists are tuples."""
    kind = type(usual)
    if kind is tuple and isinstance(value, list):
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in _WORDS and type(value) is not kind:
        raise OptionError(
            f"{key} of {name} is {value!r}; {_WORDS[kind]} such as {usual!r} is needed."
        )
    return value


def _check_range(name: str, key: str, value: Any) -> None:
    """Refuse what the loss could only refuse after all recordings were prepared."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    if not math.isfinite(value) or value < 0:
        raise OptionError(f"{key} of {name} is {value!r}; a number of at least 0 is needed.")
    if key.endswith("temperature") and value == 0:
        raise OptionError(f"{key} of {name} is {value!r}; a number above 0 is needed.")
    if key == "n_views" and value < _FEWEST_VIEWS:
        raise OptionError(
            f"n_views of {name} is {value}; at least {_FEWEST_VIEWS} are needed, since views of a "
            "window are compared with each other."
        )
