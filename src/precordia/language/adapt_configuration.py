# SPDX-License-Identifier: Apache-2.0
"""What `precordia adapt` is told: one TOML file, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from precordia.core.errors import OptionError
from precordia.core.registry import load_object
from precordia.language.make_adapter import adapter_takes
from precordia.training.configuration_tables import (
    changed_tables,
    check_known_keys,
    check_table,
    made_of_table,
    read_tables,
)
from precordia.training.settings import TrainingSettings

_ROOMS = ("data", "base", "adapter", "input", "low_rank", "training")
#: where a few epochs are enough, as the language model can speak already
_USUAL = {"epochs": 10, "batch_size": 16, "patience": 5}

EXAMPLE = """\
# An adapter that is trained as this stands, in about half a minute: simulated recordings, a tiny
# language model from scratch.
# precordia adapt --example > adapting.toml && precordia adapt adapting.toml

output = "adapted"            # folder for the adapter, its card, its scores and the log

[data]
simulated = 120               # so many simulated recordings, asked for each scenario
scenarios = ["sinus", "left-bundle-block"]
# In place of these two lines, real recordings:
# store = "ptbxl.store"       # a folder that 'precordia dataset build' wrote, or
# ptbxl = "ptbxl"             # the folder of PTB-XL,
# labels = "superdiagnostic"  # asked about these labels, or asked what ECG-QA asks:
# questions = "ecg-qa"        # its folder
# wording = "template"        # or "paraphrased"
# templates = [1, 26, 27, 28] # all by default
# train = [1, 2, 3, 4, 5, 6, 7]      # folds of patients
# validation = [8]            # chooses the epoch
# test = [9]                  # gives the scores

[base]
tiny = { dim = 64, layers = 2, epochs = 20 }
# model = "Llama-3.2-1B"      # or a folder of transformers; nothing is fetched
# precision = "bfloat16"

[adapter]
name = "soft-prompt"          # gated-cross-attention, prefix-mapper, vocabulary-extension
options = { patch = 25, dim = 32, depth = 1, heads = 2, mlp_ratio = 2.0, per_lead = false }

[input]                       # of soft-prompt and gated-cross-attention:
leads = ["I", "II", "V1", "V2", "V5", "V6"]
fs = 100
seconds = 5
# encoder = "precordia-12lead"   # of prefix-mapper
# tokenizer = "beats"            # of vocabulary-extension
# leads = ["II", "V2", "V5"]

[low_rank]                    # changes of the language model's own layers, through peft
rank = 8                      # 0 leaves them frozen
dropout = 0.0
preset = "all-linear"         # queries-keys, attention

[training]
epochs = 8
batch_size = 16
lr = 0.003
seed = 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionChoice:
    """Which questions about which recordings.

    Attributes
    ----------
    store, ptbxl
        A store of recordings, or the folder of PTB-XL.
    simulated, scenarios
        Or: how many recordings to simulate, and of what.
    questions, wording, templates
        Folder of ECG-QA, and which of it. Without it, recordings are asked about their labels.
    labels
        Which label set of PTB-XL.
    train, validation, test
        Folds of each part; without them, the published parts or a hash of the patient.
    shares, seed
        Of the hash.
    limit
        Train on so many questions at most, drawn at random; 0 for all.
    """

    simulated: int = 0
    scenarios: list[str] = field(default_factory=list)
    store: str = ""
    ptbxl: str = ""
    questions: str = ""
    labels: str = ""
    wording: str = "template"
    templates: list[int] = field(default_factory=list)
    train: list[Any] = field(default_factory=list)
    validation: list[Any] = field(default_factory=list)
    test: list[Any] = field(default_factory=list)
    shares: list[float] = field(default_factory=lambda: [0.7, 0.15, 0.15])
    seed: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseChoice:
    """Which language model.

    Attributes
    ----------
    model
        Folder of a causal model of transformers.
    tiny
        Or: options of `precordia.language.tiny_model.make_tiny_model`.
    precision
        ``"float32"`` or ``"bfloat16"``.
    """

    model: str = ""
    tiny: dict[str, Any] = field(default_factory=dict)
    precision: str = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterChoice:
    """Which adapter.

    Attributes
    ----------
    name, options
        One of `precordia.language.make_adapter.list_adapters`, and its options.
    """

    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptConfiguration:
    """Everything that the training of an adapter is told.

    Attributes
    ----------
    output
        Folder for the adapter.
    data, base, adapter, low_rank, training
        See there.
    input
        What of a recording the adapter takes, as a table.
    tables
        All of it as it was read.
    """

    output: str
    data: QuestionChoice
    base: BaseChoice
    adapter: AdapterChoice
    low_rank: Any
    training: TrainingSettings
    input: dict[str, Any]
    tables: dict[str, Any]


def read_adapt_configuration(
    given: str | Path | Mapping[str, Any], *, changes: Iterable[str] = ()
) -> AdaptConfiguration:
    """Read a configuration and check it.

    Parameters
    ----------
    given
        Path of a TOML file, or its tables.
    changes
        ``"key=value"`` in place of what stands there.

    Raises
    ------
    MissingFileError, FormatError
        If there is no such file, or it is no TOML.
    UnknownNameError
        If a key or a name is unknown; the nearest is named.
    OptionError
        If a value is of the wrong kind or impossible, or something is missing.

    Examples
    --------
    >>> import tomllib
    >>> read_adapt_configuration(tomllib.loads(EXAMPLE)).adapter.name
    'soft-prompt'
    """
    tables = changed_tables(read_tables(given, example="precordia adapt --example"), changes)
    inside = {
        "base": BaseChoice, "data": QuestionChoice, "adapter": AdapterChoice,
        "training": TrainingSettings,
    }  # fmt: skip
    check_known_keys("the configuration", tables, ("output", *_ROOMS), inside=inside)
    for room in ("data", "base", "adapter"):
        if room not in tables:
            raise OptionError(f"the configuration has no table [{room}]; it needs one.")
    output = tables.get("output", "")
    if not isinstance(output, str):
        raise OptionError(f"output is {output!r}; text is needed: a folder.")
    adapter = made_of_table("adapter", AdapterChoice, tables["adapter"])
    adapter_takes(adapter.name)
    low_rank: Any = load_object(
        "precordia.language.low_rank:LowRank", extra="language", purpose="adapting"
    )
    training = check_table("training", tables.get("training", {}))
    return AdaptConfiguration(
        output=output,
        data=_checked(made_of_table("data", QuestionChoice, tables["data"])),
        base=_checked_base(made_of_table("base", BaseChoice, tables["base"])),
        adapter=adapter,
        low_rank=made_of_table("low_rank", low_rank, tables.get("low_rank", {})),
        training=TrainingSettings.from_table({**_USUAL, **training}),
        input=check_table("input", tables.get("input", {})),
        tables=tables,
    )


def _checked(data: QuestionChoice) -> QuestionChoice:
    said = [name for name in ("store", "ptbxl", "simulated") if getattr(data, name)]
    if len(said) != 1:
        raise OptionError(
            f"[data] names {' and '.join(said) or 'no recordings'}; one of store, ptbxl and "
            "simulated (with scenarios) is needed."
        )
    if data.simulated and (data.questions or not data.scenarios):
        raise OptionError(
            "simulated recordings are asked whether they show each of data.scenarios; name those, "
            "and no questions."
        )
    if data.wording not in ("template", "paraphrased"):
        raise OptionError(f"data.wording is '{data.wording}'; 'template' or 'paraphrased'.")
    if data.test and not data.train:
        raise OptionError("data.test names folds, and data.train and validation name none.")
    return data


def _checked_base(base: BaseChoice) -> BaseChoice:
    if bool(base.model) and bool(base.tiny):
        raise OptionError("[base] names a model and a tiny one; leave one out.")
    return base
