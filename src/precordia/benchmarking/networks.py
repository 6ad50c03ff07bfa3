# SPDX-License-Identifier: Apache-2.0
"""Encoders under test: probed while frozen, fine-tuned, or trained from nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from precordia.benchmarking.choosing import finish, prior_logits, sigmoid
from precordia.benchmarking.part_embeddings import embedder, mean_of_windows, usable
from precordia.benchmarking.withheld import Chosen, Part
from precordia.benchmarking.zero_shot_mode import ZERO_SHOT, learn_zero_shot
from precordia.core.errors import OptionError, unknown_name
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import Window
from precordia.core.leads import STANDARD_12
from precordia.embedding.text_vectors import ENDING
from precordia.models.shipped import SHIPPED
from precordia.training.settings import TrainingSettings
from precordia.training.usual_input import usual_input

MODES = ("linear", "attention", "finetune", "scratch", *ZERO_SHOT)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """An encoder to be tested.

    Attributes
    ----------
    name
        In tables.
    architecture, options, weights
        What makes it: a name of `list_models` with options, and a folder of weights; empty for
        random ones.
    spec
        How records become its windows.
    training_data
        Databases that its weights were made from.
    weights_hash
        Of the file of weights; empty for random ones.
    graph
        Name of a finished graph that ships with the package; such a one can be probed only.
    """

    name: str
    architecture: str
    spec: InputSpec
    weights: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    training_data: tuple[str, ...] = ()
    weights_hash: str = ""
    graph: str = ""

    @property
    def pretrained(self) -> bool:
        """Whether its weights were trained on anything."""
        return bool(self.weights or self.graph)

    def untrained(self) -> Network:
        """Return the same network with random weights."""
        return dataclasses.replace(
            self,
            name=f"{self.architecture}, random weights",
            weights="",
            training_data=(),
            weights_hash="",
            graph="",
        )

    def taking(self, take: str) -> Network:
        """Return the same network with other windows of a recording: ``"centre"``, ``"all"``."""
        steps = (
            dataclasses.replace(step, take=take, step_s=None) if isinstance(step, Window) else step
            for step in self.spec.steps
        )
        return dataclasses.replace(self, spec=dataclasses.replace(self.spec, steps=tuple(steps)))

    @property
    def outputs(self) -> str:
        """What its scores are of: ``"window"`` or ``"sample"``."""
        from precordia.models.architectures import model_card

        return "window" if self.graph else model_card(self.architecture).outputs

    def check_statements(self) -> None:
        """Refuse to train a network for statements whose scores are of samples.

        Raises
        ------
        OptionError
            If they are.
        """
        if self.outputs == "sample":
            raise OptionError(
                f"{self.architecture} gives scores of each sample, and statements are about the "
                "whole recording, so only its embedding can be tested. Choose the mode linear or "
                "attention."
            )

    def load(self, n_outputs: int, *, seed: int) -> Any:
        """Make the network on its device; random weights, and a new head, depend on the seed."""
        if self.graph:
            from precordia.benchmarking.finished_graph import FinishedGraph

            return FinishedGraph(self.graph)
        if n_outputs:
            self.check_statements()
        from precordia.models.device import chosen_device
        from precordia.models.load_model import load_model

        shape = {
            "leads": self.spec.leads,
            "fs": self.spec.fs,
            "seconds": self.spec.seconds,
        }
        if self.weights:
            shape |= {"weights": self.weights, "head": "new"}
        made = load_model(
            self.architecture, n_outputs=n_outputs, seed=seed, **shape, **self.options
        )
        return made.to(chosen_device())


def find_network(given: str, *, spec: InputSpec | None = None, **options: Any) -> Network:
    """Find a network by its name, or in a folder of weights.

    Parameters
    ----------
    given
        One of `list_models`, a model that ships with the package (``"precordia-12lead"``), a graph
        (``.onnx``), a folder with one and its text side, or a folder that `save_pretrained` wrote.
    spec
        How records become windows, where it should not be what the model says.
    **options
        Of an architecture.

    Raises
    ------
    UnknownNameError
        If it is neither.
    WeightsError
        If the folder is damaged.
    """
    from precordia.models.architectures import list_models, model_card
    from precordia.models.load_model import usual_shape
    from precordia.models.saved_model import find_saved

    if given in SHIPPED or (graph := _graph_of(given)):
        return _shipped_network(given if given in SHIPPED else graph)
    if given in list_models():
        shape = usual_shape(model_card(given))
        made = spec or usual_input(shape.leads or STANDARD_12, shape.fs, shape.seconds)
        return Network(name=given, architecture=given, spec=made, options=options)
    if Path(given).is_dir():
        saved = find_saved(given)
        shape = saved.shape
        own = saved.input_spec or usual_input(shape.leads or STANDARD_12, shape.fs, shape.seconds)
        return Network(
            name=_name_of(Path(given)),
            architecture=saved.architecture,
            spec=spec or own,
            weights=str(given),
            options={**saved.options, **options},
            training_data=saved.training_data,
            weights_hash=saved.sha256[:12],
        )
    raise unknown_name(
        "model, folder of weights or baseline",
        given,
        (*list_models(), *SHIPPED),
        listing="list_models()",
    )


def _name_of(folder: Path) -> str:
    """Return what a folder of weights is called: the training's name, not that of its parts."""
    from precordia.models.saved_model import INSIDE

    place = folder.resolve()
    return place.parent.name if place.name in INSIDE else place.name


def _graph_of(given: str) -> str:
    """Return the path of a finished graph: itself, or the one with a text side in a folder."""
    path = Path(given)
    if path.suffix == ".onnx" and path.is_file():
        return given
    found = [p for p in sorted(path.glob("*.onnx")) if (path / f"{p.stem}{ENDING}").is_file()]
    return str(found[0]) if len(found) == 1 else ""


def _shipped_network(name: str) -> Network:
    from precordia.models.runtime import load_graph

    graph = load_graph(name)
    return Network(
        name=graph.name,
        architecture=graph.card.details["training"]["architecture"],
        spec=graph.spec,
        training_data=graph.card.data,
        weights_hash=graph.version,
        graph=name,
    )


def learn_network(
    network: Network,
    mode: str,
    train: Part,
    rows: np.ndarray,
    valid: Part,
    *,
    seed: int,
    settings: TrainingSettings | None = None,
    folder: Path | None = None,
) -> Chosen:
    """Train what the mode trains, and choose on validation.

    Parameters
    ----------
    network
        The encoder.
    mode
        ``"linear"``: frozen, logistic regression on the mean embedding of a record's windows;
        ``"attention"``: frozen, a learned query over tokens; ``"finetune"``: all weights, lower
        layers more slowly; ``"scratch"``: all weights, from random ones; ``"zero-shot"`` and its
        controls: nothing, classes are told by their words.
    train, rows
        Training records, and those whose labels may be used.
    valid
        Records to choose on.
    seed
        Of random weights, order and dropout.
    settings
        Of the training loop, for finetune and scratch.
    folder
        Where checkpoints go; a training that broke off goes on from there.
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES, listing=", ".join(MODES))
    if network.graph and mode in ("attention", "finetune"):
        raise OptionError(
            f"mode '{mode}' needs weights that can be trained; {network.name} is a finished graph. "
            f"Use mode 'linear', or train its architecture: {network.architecture}."
        )
    if mode in ZERO_SHOT:
        return learn_zero_shot(network, mode, valid, seed=seed)
    if not len(rows):
        raise OptionError("no training record has labels; at least one is needed.")
    if mode == "linear":
        return _learn_linear(network, train, rows, valid, seed)
    if mode == "attention":
        from precordia.benchmarking.attention_mode import learn_attention

        own = None if settings in (None, TrainingSettings()) else settings
        return learn_attention(network, train, rows, valid, seed=seed, settings=own)
    return _learn_all(network, mode, train, rows, valid, seed, settings, folder)


def _learn_linear(network: Network, train: Part, rows: np.ndarray, valid: Part, seed: int):
    from precordia.training.linear_probe import fit_linear_probe, probe_logits

    embed = embedder(network, seed=seed)
    seen, of_train = usable(embed(train), rows)
    at, of_valid = usable(embed(valid), np.arange(len(valid)))
    probe = fit_linear_probe(
        of_train,
        train.targets[seen],
        valid_embeddings=of_valid,
        valid_labels=valid.targets[at],
    )
    prior = prior_logits(train.targets[rows])

    def answer(part: Part) -> np.ndarray:
        found = embed(part)
        unseen = ~np.isfinite(found).all(axis=1)
        logits = probe_logits(probe, np.where(unseen[:, None], 0.0, found))
        return np.where(unseen[:, None], prior, logits)

    return finish(
        answer,
        valid,
        probabilities=sigmoid,
        selection="penalty, scaling and class weights of each class by validation log-loss",
        weights=(probe.weight, probe.bias),
        spec=network.spec.fingerprint,
        notes=tuple(remark.text for remark in probe.remarks),
    )


def _learn_all(
    network: Network,
    mode: str,
    train: Part,
    rows: np.ndarray,
    valid: Part,
    seed: int,
    settings: TrainingSettings | None,
    folder: Path | None,
) -> Chosen:
    from precordia.training.fit import fit
    from precordia.training.predict import predict

    held = settings or TrainingSettings()
    lower = 1.0 if mode == "scratch" else held.lower_lr if held.lower_lr < 1 else 0.1
    held = dataclasses.replace(held, seed=seed, lower_lr=lower)
    source = network if mode == "finetune" else network.untrained()
    model = source.load(len(train.cohort.classes), seed=seed)
    few = train if len(rows) == len(train) else train.few(rows)
    sets = [_training_set(part, network.spec) for part in (few, valid)]
    extra = {} if folder is None else {"folder": folder, "resume": True}
    fitted = fit(model, *sets, held, **extra)
    prior = prior_logits(train.targets[rows])

    def answer(part: Part) -> np.ndarray:
        windows = part.windows(network.spec)
        present = None if windows.present.all() else windows.present
        logits = predict(fitted.model, windows.windows, present=present)
        found = mean_of_windows(logits.astype(float), windows, len(part))
        return np.where(np.isfinite(found), found, prior)

    return finish(
        answer,
        valid,
        probabilities=sigmoid,
        selection=(
            f"epoch {fitted.best_epoch + 1} of {len(fitted.epochs)} by validation "
            f"{fitted.metric} ({fitted.best_score:.3f})"
        ),
        weights=(value.detach().cpu().numpy() for value in fitted.model.state_dict().values()),
        spec=network.spec.fingerprint,
        notes=tuple(remark.text for remark in fitted.remarks),
    )


def _training_set(part: Part, spec: InputSpec) -> Any:
    from precordia.training.training_set import TrainingSet

    held = part.windows(spec)
    return TrainingSet(
        windows=held.windows,
        labels=part.targets[held.owner],
        classes=part.cohort.classes,
        names=[part.cohort.names[k] for k in held.owner],
        patients=[part.cohort.patients[k] for k in held.owner],
        present=None if held.present.all() else held.present,
    )
