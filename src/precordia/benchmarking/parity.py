# SPDX-License-Identifier: Apache-2.0
"""Whether our models give what their authors' code gives, for weights and inputs by rule."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from precordia.benchmarking.parity_fixture import (
    ParityFixture,
    conditions,
    filled_state,
    raw_recording,
    read_fixture,
    signal_input,
)
from precordia.core.errors import FormatError, MissingFileError, PrecordiaError, unknown_name
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import Window
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.core.registry import load_object
from precordia.core.value import Value
from precordia.embedding.prepare import prepare
from precordia.models.architectures import ARCHITECTURES
from precordia.models.generators import GENERATORS
from precordia.models.published_card import (
    Fixture,
    PublishedCard,
    list_published,
    published_card,
)

Verdict = Literal["agrees", "disagrees", "no such model", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity(Value):
    """What became of one fixture.

    Attributes
    ----------
    fixture
        Its name.
    verdict
        ``"agrees"``, ``"disagrees"``, ``"no such model"`` where no card names the fixture, or
        ``"unreadable"`` where its files are damaged or contradict themselves.
    model
        Published encoder that it is of.
    differences
        By output: largest difference as a part of the largest expected number.
    tolerance
        Largest difference that counts as agreement.
    reason
        Why it was not compared, or how it disagrees.
    took_s
        Time that it took, s.
    """

    fixture: str
    verdict: Verdict
    model: str = ""
    differences: dict[str, float] = field(default_factory=dict)
    tolerance: float = float("nan")
    reason: str = ""
    took_s: float = float("nan")

    @property
    def failed(self) -> bool:
        """Whether numbers differ or could not be read."""
        return self.verdict in ("disagrees", "unreadable")

    def __str__(self) -> str:
        told = ", ".join(f"{name} {off:.1e}" for name, off in self.differences.items())
        model = f" ({self.model})" if self.model else ""
        why = f": {self.reason}" if self.reason else ""
        return f"{self.fixture}{model}  {self.verdict}{f'  {told}' if told else ''}{why}"


def find_fixtures(folder: Path, only: Iterable[str] = ()) -> list[Path]:
    """Return the descriptions of the fixtures in a folder.

    Parameters
    ----------
    folder
        Where they are.
    only
        Names of fixtures, or of published encoders for all of theirs; all where none is named.

    Raises
    ------
    MissingFileError
        If there is no such folder, or it holds none.
    UnknownNameError
        If a name is neither that of a fixture there nor that of a published encoder.
    """
    if not folder.is_dir():
        raise MissingFileError(f"there is no folder '{folder}'. Name one that holds fixtures.")
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise MissingFileError(
            f"the folder '{folder}' holds no fixture; pairs of .json and .npz are needed."
        )
    wanted: set[str] = set()
    for name in only:
        if name in list_published():
            mine = [
                path.stem for path in paths if (card := _named_by(path)) and card[0].name == name
            ]
            wanted |= set(mine)
        elif any(path.stem == name for path in paths):
            wanted.add(name)
        else:
            known = (*(path.stem for path in paths), *list_published())
            raise unknown_name("fixture", name, known, listing=f"the files of '{folder}'")
    return [path for path in paths if not only or path.stem in wanted]


def compare_fixtures(paths: Iterable[Path]) -> Iterator[Parity]:
    """Compare our models with fixtures, one after the other.

    Yields
    ------
    One result for each; what is wrong with one does not stop the others.

    Raises
    ------
    MissingExtraError
        If PyTorch is not installed.
    """
    for path in paths:
        began = time.perf_counter()
        yield replace(compare_fixture(path), took_s=round(time.perf_counter() - began, 3))


def compare_fixture(path: Path) -> Parity:
    """Compare our model with one fixture (its description, ``.json``).

    Notes
    -----
    Weights and input are made from the description alone, by the rule that all fixtures share, and
    checked against its sums before anything is compared. Nothing of our models is fitted to a
    fixture: another seed or shift is another fixture of the same kind.
    """
    named = _named_by(path)
    if named is None:
        reason = "no card of a published encoder names this fixture"
        return Parity(fixture=path.stem, verdict="no such model", reason=reason)
    card, changes = named
    known = {"network": ARCHITECTURES, "generator": GENERATORS}.get(changes.kind)
    if known is not None and card.architecture not in known:
        reason = f"its architecture {card.architecture or 'is not implemented'} is not here"
        return Parity(fixture=path.stem, verdict="no such model", model=card.name, reason=reason)
    told = {"fixture": path.stem, "model": card.name, "tolerance": changes.tolerance}
    try:
        fixture = read_fixture(path)
        differences = dict(_KINDS[changes.kind](fixture, card, changes))
    except ImportError:
        raise
    except PrecordiaError as error:
        return Parity(verdict="unreadable", reason=str(error), **told)
    except MemoryError:
        return Parity(verdict="unreadable", reason="memory ran out", **told)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reason = f"its description is not as it should be ({type(error).__name__}: {error})"
        return Parity(verdict="unreadable", reason=reason, **told)
    far = [name for name, off in differences.items() if not off <= changes.tolerance]
    reason = f"{', '.join(far)} beyond {changes.tolerance:g}" if far else ""
    verdict: Verdict = "disagrees" if far else "agrees"
    return Parity(verdict=verdict, differences=differences, reason=reason, **told)


def _named_by(path: Path) -> tuple[PublishedCard, Fixture] | None:
    """Return the card of a fixture: by its name, or by the name that its own begins with.

    ``clef_small_seed7`` is of ``clef_small``.
    """
    known = cards_by_fixture()
    longest = max((stem for stem in known if _begins(path.stem, stem)), key=len, default="")
    return known.get(longest)


def _begins(name: str, stem: str) -> bool:
    return name == stem or (name.startswith(stem) and not name[len(stem)].isalnum())


def cards_by_fixture() -> dict[str, tuple[PublishedCard, Fixture]]:
    """Return card and changes by the name of the fixture.

    Examples
    --------
    >>> cards_by_fixture()["ecgfounder_12lead"][0].name
    'ecg-founder.12lead'
    """
    cards = [published_card(name) for name in list_published()]
    return {stem: (card, changes) for card in cards for stem, changes in card.fixtures.items()}


def fixture_model(card: PublishedCard, changes: Fixture) -> Any:
    """Make the model of a fixture, with random weights."""
    assert card.input is not None
    load_model = load_object(
        "precordia.models.load_model:load_model", extra="train", purpose="comparing networks"
    )
    return load_model(
        card.architecture,
        n_outputs=card.n_outputs if changes.n_outputs is None else changes.n_outputs,
        leads=changes.leads or card.input.leads,
        n_samples=changes.n_samples or card.input.n_samples,
        fs=changes.fs or card.input.fs,
        **{**card.options, **changes.options},
    ).eval()


def _network(
    fixture: ParityFixture, card: PublishedCard, changes: Fixture
) -> Iterator[tuple[str, float]]:
    model = fixture_model(card, changes)
    torch = load_object("torch:inference_mode", extra="train", purpose="comparing networks")
    tensor = load_object("torch:from_numpy")
    take_weights = load_object("precordia.models.take_weights:take_weights")
    constants = {k: v.numpy() for k, v in model.published_constants().items()}
    state = {k: tensor(v) for k, v in filled_state(fixture.facts, constants).items()}
    take_weights(model, state, source=f"{fixture.stem}.json")
    del state
    shape = model.shape
    x, places = signal_input(fixture.facts, shape.n_leads, shape.n_samples, shape.fs)
    with torch():
        given = model.published_outputs(tensor(x), **{k: tensor(v) for k, v in places.items()})
    yield from _outputs(fixture, card, {name: array.numpy() for name, array in given.items()})


def _generator(
    fixture: ParityFixture, card: PublishedCard, changes: Fixture
) -> Iterator[tuple[str, float]]:
    """Compare a network that makes signals: its answer to noisy signals, steps and statements."""
    load_generator = load_object(
        "precordia.models.generators:load_generator", extra="train", purpose="comparing networks"
    )
    inference_mode, tensor = load_object("torch:inference_mode"), load_object("torch:from_numpy")
    take_weights = load_object("precordia.models.take_weights:take_weights")
    network = load_generator(
        card.architecture,
        leads=changes.leads or None,
        n_samples=changes.n_samples,
        fs=changes.fs,
        **{**card.options, **changes.options},
    ).eval()
    state = {k: tensor(v) for k, v in filled_state(fixture.facts).items()}
    take_weights(network, state, source=f"{fixture.stem}.json")
    shape = network.shape
    x, _ = signal_input(fixture.facts, shape.n_leads, shape.n_samples, shape.fs)
    step, labels = conditions(fixture.facts, int(network.options["n_labels"]))
    with inference_mode():
        given = network.published_outputs(tensor(x), tensor(step), tensor(labels))
    yield from _outputs(fixture, card, {name: array.numpy() for name, array in given.items()})


def _outputs(
    fixture: ParityFixture, card: PublishedCard, given: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, float]]:
    """Compare what a network gave with all that is stored."""
    for name, told in fixture.facts["outputs"].items():
        if name not in given:
            raise FormatError(
                f"{card.architecture} gives no output {name}; it gives {', '.join(given)}."
            )
        ours = given[name]
        if list(ours.shape) != list(told["shape"]):
            yield name, float("inf")
            continue
        expected = fixture.arrays[name].ravel()
        yield name, _off(ours.ravel()[:: int(told["stride"])], expected)


def _input(
    fixture: ParityFixture, card: PublishedCard, changes: Fixture
) -> Iterator[tuple[str, float]]:
    spec = changes.input or card.input
    assert spec is not None
    signal, fs = raw_recording(fixture.facts)
    record = Record(signal=signal, fs=fs, leads=STANDARD_12)
    if changes.steps is not None:
        steps = (*spec.steps[: changes.steps], Window())
        spec = replace(spec, fs=fs, seconds=signal.shape[1] / fs, steps=steps)
    yield from _rows(_prepared(record, spec, each_lead=changes.each_lead), fixture)


def _sentence(
    fixture: ParityFixture, card: PublishedCard, changes: Fixture
) -> Iterator[tuple[str, float]]:
    """Compare the words of a recording whose beats are told: samples, lead and second of each."""
    tensor = load_object("torch:from_numpy", extra="train", purpose="cutting words")
    signal, fs = raw_recording(fixture.facts)
    changed = replace(changes, n_samples=signal.shape[1], fs=fs)
    beats = tensor(np.asarray(fixture.facts["qrs_indices"], np.int64)[None])
    x = tensor(signal.astype(np.float32)[None])
    said = fixture_model(card, changed).sentence(x, places=beats)
    for name, ours in (("in_chans", said.leads), ("in_times", said.times)):
        yield name, _off(ours[0].numpy(), np.asarray(fixture.facts[name]), unit=True)
    yield from _rows(said.words[0].numpy(), fixture)


def _prepared(record: Record, spec: InputSpec, *, each_lead: bool) -> np.ndarray:
    leads = STANDARD_12 if each_lead else (None,)
    parts = [prepare(record, spec, lead=lead) for lead in leads]
    # The recording of the rule obeys no equation between leads, so nothing may be derived.
    if any(part.derived for part in parts):
        raise FormatError("the preparation computed leads that the recording has.")
    return np.concatenate([part.windows[0] for part in parts])


def _rows(found: np.ndarray, fixture: ParityFixture) -> Iterator[tuple[str, float]]:
    """Compare rows: both ends, every so many samples, and what each row amounts to."""
    told = fixture.facts["output"]
    if list(found.shape) != list(told["shape"]):
        raise FormatError(f"the input has the shape {found.shape}; {told['shape']} was expected.")
    every = slice(None, None, int(told["every_stride"]))
    largest = np.abs(fixture.arrays["every"]).max(axis=1, keepdims=True)
    largest = np.where(largest > 0, largest, 1.0)
    places = {"first64": slice(None, 64), "last64": slice(-64, None), "every": every}
    for name, place in places.items():
        yield name, _off(found[:, place] / largest, fixture.arrays[name] / largest, unit=True)
    sums: dict[str, Callable] = {"mean": np.mean, "std": np.std, "min": np.min, "max": np.max}
    for name, function in sums.items():
        if name in told:
            ours = function(found.astype(float), axis=1, keepdims=True) / largest
            theirs = np.asarray(told[name], float)[:, None] / largest
            yield name, _off(ours, theirs, unit=True)


def _off(ours: np.ndarray, expected: np.ndarray, *, unit: bool = False) -> float:
    """Return the largest difference as a part of the largest expected number."""
    if ours.shape != expected.shape:
        return float("inf")
    most = 1.0 if unit else float(np.abs(expected).max(initial=0.0)) or 1.0
    off = float(np.abs(ours.astype(float) - expected).max(initial=0.0)) / most
    return off if off == off else float("inf")


_KINDS: Mapping[str, Callable[..., Iterator[tuple[str, float]]]] = {
    "network": _network,
    "input": _input,
    "sentence": _sentence,
    "generator": _generator,
}
