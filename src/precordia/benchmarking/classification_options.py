# SPDX-License-Identifier: Apache-2.0
"""What a benchmark of classifiers is told, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from precordia.benchmarking.baselines import BASELINES
from precordia.benchmarking.classification_metrics import MIN_RECORDS
from precordia.benchmarking.low_labels import read_share
from precordia.benchmarking.networks import MODES
from precordia.benchmarking.scoring import DRAWS
from precordia.core.errors import OptionError, unknown_name
from precordia.core.input_spec import InputSpec
from precordia.training.settings import TrainingSettings

SPLITS = ("", "patients", "records")
TAKES = ("", "centre", "all")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassificationOptions:
    """What is measured, and how.

    Attributes
    ----------
    models
        Names of architectures (random weights) or folders of weights.
    modes
        How each is used: see `networks.MODES`.
    labels
        Shares of training patients whose labels are used, such as ``"1%"``.
    n_seeds
        Seeds of random weights, training and draws of patients; what is not random runs once.
    controls
        Also each architecture with random weights, frozen in the same modes, and from scratch.
    baselines
        Also these of `baselines.BASELINES`.
    folds
        Which folds are what, as for `partition.read_folds`; the published ones by default.
    cross_validate
        Number of folds of a cross-validation by patients instead; 0 for none.
    split
        ``""`` for published folds, or a hash of patients where there are none; ``"patients"`` for
        the hash; ``"records"`` for a division by record, as some papers have it.
    split_seed
        Of divisions that are drawn.
    lead_subsets, subgroups
        Also with leads taken away; also by sex, age and device.
    noise
        Folder of the noise stress test; None for no noise.
    challenge
        The organisers' ``weights.csv``; None for none.
    spec
        Input of the models, where it should not be their own.
    take
        Which windows of a record models get, ``"centre"`` or ``"all"``; what they say themselves by
        default.
    model_options
        Of the architectures.
    settings
        Of the training loop.
    min_records
        Fewer positives or negatives leave a class out of means.
    draws
        Of patients, for intervals.
    """

    models: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("linear",)
    labels: tuple[str, ...] = ("100%",)
    n_seeds: int = 1
    controls: bool = True
    baselines: tuple[str, ...] = ()
    folds: str | None = None
    cross_validate: int = 0
    split: str = ""
    split_seed: int = 0
    lead_subsets: bool = False
    subgroups: bool = False
    noise: Path | None = None
    challenge: Path | None = None
    spec: InputSpec | None = None
    take: str = ""
    model_options: dict[str, Any] = field(default_factory=dict)
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    min_records: int = MIN_RECORDS
    draws: int = DRAWS

    def __post_init__(self) -> None:
        for mode in self.modes:
            if mode not in MODES:
                raise unknown_name("mode", mode, MODES, listing=", ".join(MODES))
        for name in self.baselines:
            if name not in BASELINES:
                raise unknown_name("baseline", name, BASELINES, listing=", ".join(BASELINES))
        if not self.models and not self.baselines:
            raise OptionError("neither a model nor a baseline was named; at least one is needed.")
        if self.n_seeds < 1:
            raise OptionError(f"n_seeds is {self.n_seeds}; at least 1 is needed.")
        if self.min_records < 1:
            raise OptionError(f"min_records is {self.min_records}; at least 1 is needed.")
        if self.draws < 1:
            raise OptionError(f"draws is {self.draws}; at least 1 is needed.")
        if self.cross_validate and self.folds:
            raise OptionError("both folds and a cross-validation were named; one is needed.")
        if self.split not in SPLITS:
            raise unknown_name("split", self.split, SPLITS[1:], listing=", ".join(SPLITS[1:]))
        if self.take not in TAKES:
            raise unknown_name("take", self.take, TAKES[1:], listing=", ".join(TAKES[1:]))
        for share in self.labels:
            read_share(share)
