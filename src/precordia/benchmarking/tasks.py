# SPDX-License-Identifier: Apache-2.0
"""The tasks that can be scored, and our own methods for each; nothing is imported before use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from precordia.core.errors import unknown_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method of ours.

    Attributes
    ----------
    name
        Its name in tables.
    function
        ``"module:object"``: takes a record, gives what the task scores.
    weights, card
        Files of the package that it rests on; empty where nothing was trained.
    note
        What has to be said beside its scores.
    asked
        Whether it is scored only where it is asked for by name.
    """

    name: str
    function: str
    weights: str = ""
    card: str = ""
    note: str = ""
    asked: bool = False

    def weights_hash(self) -> str:
        """Return the first twelve digits of the SHA-256 of the weights; empty where none."""
        if not self.weights:
            return ""
        try:
            return hashlib.sha256(packaged(self.weights).read_bytes()).hexdigest()[:12]
        except OSError:
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task.

    Attributes
    ----------
    name
        As typed.
    protocol
        ``"module:object"`` of the function that scores one method.
    database
        What it is scored on.
    methods
        Ours.
    """

    name: str
    protocol: str
    database: str
    methods: tuple[Method, ...]


#: how the note of a method begins that was trained on recordings of the task
RESUBSTITUTION = "training recordings: resubstitution"
#: the same, where constants were chosen by people
IN_SIGHT = "nothing trained, but its constants were set with these recordings in sight"
_OURS = "precordia.benchmarking.methods"
_WAVES = {"weights": "delineation/weights/waves.onnx", "card": "delineation/weights/waves.toml"}

TASKS = (
    Task(
        name="rpeaks",
        protocol="precordia.benchmarking.rpeaks:score_rpeaks",
        database="mitdb",
        methods=(
            Method(
                name="network",
                function="precordia.delineation.rpeaks:detect_rpeaks",
                weights="delineation/rpeaks.npz",
                card="delineation/rpeaks.toml",
                note=RESUBSTITUTION,
            ),
        ),
    ),
    Task(
        name="beats",
        protocol="precordia.benchmarking.beats:score_beats",
        database="mitdb",
        methods=(
            Method(
                name="network",
                function="precordia.classification.beats:classify_beats",
                weights="models/box/precordia_beats.npz",
                card="models/box/precordia_beats.toml",
                note=RESUBSTITUTION,
            ),
            Method(
                name="rules",
                function=f"{_OURS}:classify_beats_by_rules",
                note=IN_SIGHT,
                asked=True,
            ),
        ),
    ),
    Task(
        name="delineation",
        protocol="precordia.benchmarking.delineation:score_delineation",
        database="ludb",
        methods=(
            Method(
                name="network",
                function=f"{_OURS}:delineate_by_network",
                note=RESUBSTITUTION,
                **_WAVES,
            ),
            Method(name="rules", function=f"{_OURS}:delineate_by_rules", note=IN_SIGHT),
            Method(
                name="auto",
                function="precordia.delineation.delineate:delineate",
                note=RESUBSTITUTION,
                asked=True,
                **_WAVES,
            ),
        ),
    ),
    Task(
        name="quality",
        protocol="precordia.benchmarking.quality:score_quality",
        database="cinc2011",
        methods=(
            Method(
                name="indices",
                function="precordia.quality.assess:assess",
                weights="quality/acceptability.npz",
                card="quality/acceptability.toml",
                note=RESUBSTITUTION,
            ),
            Method(
                name="flat-lead-rule",
                function=f"{_OURS}:judge_by_flat_lead",
                note="baseline: refuse where any lead stands still for 0.2 s",
            ),
            Method(
                name="accept-all",
                function=f"{_OURS}:accept_all",
                note="baseline: the share of acceptable records",
            ),
        ),
    ),
    Task(
        name="speed",
        protocol="precordia.benchmarking.speed:score_speed",
        database="this machine",
        methods=(Method(name="precordia", function=""),),
    ),
)


def packaged(path: str) -> Traversable:
    """Return a file of the installed package."""
    return files("precordia").joinpath(*path.split("/"))


def find_task(name: str) -> Task:
    """Return the task of that name.

    Raises
    ------
    UnknownNameError
        If there is none.

    Examples
    --------
    >>> find_task("rpeaks").database
    'mitdb'
    """
    names = [task.name for task in TASKS]
    for task in TASKS:
        if task.name == name:
            return task
    raise unknown_name("benchmark", str(name), names, listing=", ".join(names))


def find_method(task: Task, name: str) -> Method:
    """Return the method of that name.

    Raises
    ------
    UnknownNameError
        If the task has none.

    Examples
    --------
    >>> find_method(find_task("delineation"), "rules").name
    'rules'
    """
    names = [method.name for method in task.methods]
    for method in task.methods:
        if method.name == name:
            return method
    raise unknown_name(f"method of {task.name}", name, names, listing=", ".join(names))
