# SPDX-License-Identifier: Apache-2.0
"""Files of numbers that the code of published models gave: weights and inputs follow from rules."""

from __future__ import annotations

import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int

from precordia.core.errors import FormatError, MissingFileError

#: a description is a few pages
_LARGEST_JSON = 50_000_000
#: numbers made at once, so that they stay in the processor's cache
_PIECE = 1 << 17
#: more numbers than these are no network that anybody would run here
_MOST_NUMBERS = 2_000_000_000
_CONJUGATE = re.compile(r"kernel\.Q is overwritten (?:with|by) the complex conjugate of kernel\.P")


@dataclass(frozen=True, slots=True)
class ParityFixture:
    """One pair of files: facts (``.json``) and what the authors' code gave (``.npz``).

    Attributes
    ----------
    stem
        Name of both files without their endings.
    facts
        The description: layout, rules, check sums.
    arrays
        Expected numbers by output.
    """

    stem: str
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]


def read_fixture(path: Path) -> ParityFixture:
    """Read a fixture.

    Parameters
    ----------
    path
        The description (``.json``); the numbers are beside it.

    Raises
    ------
    MissingFileError
        If one of the files is not there.
    FormatError
        If one of them is damaged, or holds code.
    """
    place = path.with_suffix(".npz")
    for file in (path, place):
        if not file.is_file():
            raise MissingFileError(f"there is no '{file.name}' in '{file.parent}'. Fetch it again.")
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError("it is too large for a description")
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict) or not ({"outputs", "output"} & facts.keys()):
            raise ValueError("it describes no outputs")
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"'{path.name}' cannot be read ({error}). Fetch it again.") from error
    try:
        with np.load(place, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise FormatError(f"'{place.name}' cannot be read ({reason}). Fetch it again.") from error
    return ParityFixture(path.stem, facts, arrays)


def pseudo_random(key: str, count: int, seed: int, start: int = 0) -> Float64[np.ndarray, " n"]:
    """Return numbers in -1..1 that follow from a key: a hash of their places (MurmurHash3's end).

    Examples
    --------
    >>> pseudo_random("a", 2, 7).tolist()
    [0.8203956284560263, -0.7433270551264286]
    """
    offset = (zlib.crc32(key.encode()) + seed * 0x9E3779B9 + start) & 0xFFFFFFFF
    x = np.arange(count, dtype=np.uint32) + np.uint32(offset)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x / 2**31 - 1


def filled_state(
    facts: Mapping[str, Any], constants: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """Fill the weights of a fixture by the rule, and check them against its sums.

    Parameters
    ----------
    facts
        The description.
    constants
        Arrays that are not filled, by key, from whoever computes them; each is checked. One that
        nobody gives becomes NaN, so that it cannot be used unseen.

    Raises
    ------
    FormatError
        If the sums are not those of the description, or it asks for something unknown.
    """
    constant = {str(entry["key"]): entry for entry in facts.get("constant_keys", ())}
    overrides = {str(entry["key"]): entry for entry in facts.get("overrides", ())}
    norms = {str(key) for key in facts.get("norm_weight_keys", ())}
    entries = sorted((str(k), tuple(map(int, s)), str(t)) for k, s, t in facts["state_dict"])
    if sum(math.prod(shape) for _, shape, _ in entries) > _MOST_NUMBERS:
        raise FormatError("the description claims more weights than a network has.")
    seed, gain = int(facts["seed"]), float(facts.get("weight_gain", 1.0))
    state: dict[str, np.ndarray] = {}
    for key, shape, dtype in entries:
        if key.endswith("num_batches_tracked"):
            state[key] = np.zeros(shape, np.int64)
        elif key in constant or "float" not in dtype:
            state[key] = _constant(key, shape, dtype, constant.get(key), constants or {})
        else:
            value = _rule(key, shape, gain, overrides.get(key), norms)
            state[key] = _fill(key, shape, seed, value)
    learned = [v for k, v in state.items() if k not in constant and v.dtype == np.float32]
    _check_sums("weights", learned, facts.get("fill_check"))
    # Where keys share one array, it was written in sorted order: the last value stays.
    for names in facts.get("tied_keys", ()):
        for name in names:
            state[name] = state[max(names)]
    _after_fill(state, str(facts.get("after_fill", "")))
    return state


def _rule(
    key: str, shape: tuple[int, ...], gain: float, override: Any, norms: set[str]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what becomes of numbers in -1..1 for a key; the first case that fits."""
    if override is not None:
        offset, wide = float(override["offset"]), float(override["gain"])
        return lambda u: offset + wide * u
    if key.endswith("running_var"):
        return lambda u: 1 + 0.5 * np.abs(u)
    if key.endswith("running_mean"):
        return lambda u: 0.1 * u
    if key in norms:
        return lambda u: 1 + 0.1 * u
    if len(shape) >= 2 and shape[0] > 1:
        scale = gain * np.sqrt(3 / (math.prod(shape) // shape[0]))
        return lambda u: scale * u
    return lambda u: 0.1 * u


def _fill(key: str, shape: tuple[int, ...], seed: int, value: Callable) -> np.ndarray:
    flat = np.empty(math.prod(shape), np.float32)
    for start in range(0, flat.size, _PIECE):
        part = flat[start : start + _PIECE]
        part[:] = value(pseudo_random(key, part.size, seed, start))
    return flat.reshape(shape)


def _constant(
    key: str, shape: tuple[int, ...], dtype: str, told: Any, given: Mapping[str, np.ndarray]
) -> np.ndarray:
    if key not in given:
        whole = "float" not in dtype
        return np.zeros(shape, dtype) if whole else np.full(shape, np.nan, dtype)
    array = np.asarray(given[key], dtype)
    first = array.ravel()[:4].astype(float)
    if array.shape != shape or (
        told is not None
        and not (
            np.allclose(first, told["first4"][: first.size], atol=1e-5)
            and np.isclose(array.sum(dtype=float), told["sum"], rtol=1e-5, atol=1e-3)
        )
    ):
        raise FormatError(f"the constant {key} is not the one that the authors' code makes.")
    return array


def _after_fill(state: dict[str, np.ndarray], told: str) -> None:
    """Do what a description asks for after the rule."""
    if not told:
        return
    if not _CONJUGATE.search(told):
        raise FormatError(f"a step after filling is not known here: {told[:200]}")
    for key in [k for k in state if k.endswith("kernel.Q")]:
        other = state[key.removesuffix("Q") + "P"].copy()
        other[..., 1] *= -1
        state[key] = other


def signal_input(
    facts: Mapping[str, Any], n_leads: int, n_samples: int, fs: float
) -> tuple[Float[np.ndarray, "batch lead sample"], dict[str, np.ndarray]]:
    """Make the input of a network by the rule, and check it against its sums.

    Parameters
    ----------
    facts
        The description.
    n_leads, n_samples, fs
        What the model takes. Numbers in the description's own words go before.

    Returns
    -------
    The input as (batch, lead, sample), and further arguments where tokens come with places.

    Raises
    ------
    FormatError
        If the input cannot be put into the layout of the description, or the sums differ.

    Notes
    -----
    The authors' layouts (time before lead, leads end to end, an axis of one) hold the same numbers;
    the check is made in theirs, the input is returned in ours.
    """
    check, note = facts["input_check"], str(facts.get("input_note", ""))
    shape = tuple(map(int, check["shape"]))
    said = {k: float(v) for k, v in re.findall(r"\b(L|T|fs) ?= ?(\d+(?:\.\d+)?)(?=[,;) ]|$)", note)}
    tokens = "token index" in note and len(shape) == 3
    rows = shape[1] if tokens else int(said.get("L", n_leads))
    columns = int(said.get("T", n_samples))
    x = _wave(shape[0], rows, columns, said.get("fs", fs), float(facts.get("shift_s", 0.0)))
    places: dict[str, np.ndarray] = {}
    if tokens:
        places = _token_places(note, shape)
        x[:, int(places.pop("n_tokens")) :] = 0
    x = x.astype(np.float32)
    if shape == x.shape or (x.size == math.prod(shape) and shape != (x.shape[0], columns, rows)):
        theirs = x.reshape(shape)
    elif shape == (x.shape[0], columns, rows):
        theirs = x.transpose(0, 2, 1)
    else:
        raise FormatError(
            f"the authors' input has the shape {shape}; the model takes {rows} leads of {columns} "
            "samples."
        )
    if not np.allclose(theirs.ravel()[:8], check["first8"], rtol=1e-5, atol=1e-6):
        raise FormatError("the first numbers of the input are not those of the description.")
    _check_sums("input", [theirs], check)
    return x, places


def _wave(
    n_records: int, n_leads: int, n_samples: int, fs: float, shift: float
) -> Float64[np.ndarray, "batch lead sample"]:
    lead = np.arange(n_leads)[None, :, None]
    t = np.arange(n_samples)[None, None, :]
    tau = t / fs + 0.13 * np.arange(n_records)[:, None, None] + shift
    bump = np.exp(-(((1.2 * tau) % 1 - 0.3) ** 2) / 0.002)
    wave = np.sin(2 * np.pi * (1.3 + 0.1 * lead) * tau) * bump
    return 4 * (wave + 0.1 * np.sin(0.37 * fs * tau + lead) + 0.01 * (lead + 1) * t / n_samples)


def _token_places(note: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return lead and time of each token as a description words them, and how many there are."""
    zero = re.search(r"rows (\d+)\.\.\d+ zero", note)
    beats = re.search(r"in_chan ?= ?i//(\d+)\+1", note)
    last = re.search(r"in_time ?= ?min\((\d+), ?i%(\d+)\+1\)", note)
    if not (zero and beats and last):
        raise FormatError(f"the places of the tokens are not understood: {note[:200]}")
    i, there = np.arange(shape[1]), np.arange(shape[1]) < int(zero[1])
    leads = np.where(there, i // int(beats[1]) + 1, 0)
    times = np.where(there, np.minimum(int(last[1]), i % int(last[2]) + 1), 0)
    wide = (shape[0], shape[1])
    return {
        "n_tokens": int(zero[1]),
        "leads": np.broadcast_to(leads, wide).astype(np.int64),
        "times": np.broadcast_to(times, wide).astype(np.int64),
    }


def conditions(
    facts: Mapping[str, Any], n_labels: int
) -> tuple[Int[np.ndarray, " batch"], Float[np.ndarray, "batch statement"]]:
    """Return step of noise and statements of each record, as a description words them.

    Parameters
    ----------
    facts
        The description of a network that makes signals.
    n_labels
        Statements that it knows.

    Raises
    ------
    FormatError
        If the words are not understood, or name a statement that there is none of.
    """
    note = str(facts.get("input_note", ""))
    n_records = int(facts["input_check"]["shape"][0])
    told = re.search(r"diffusion steps? (\d+(?:(?:, ?| and )\d+)*)", note)
    steps = [int(step) for step in re.findall(r"\d+", told[1])] if told else []
    labels = np.zeros((n_records, n_labels), np.float32)
    named = re.findall(r"record (\d+) has (?:class(?:es)? )?(\d+(?:, ?\d+)*)", note)
    if len(steps) != n_records or {int(record) for record, _ in named} != {*range(n_records)}:
        raise FormatError(f"the steps and statements are not understood: {note[:200]}")
    for record, classes in named:
        for number in map(int, classes.split(",")):
            if number >= n_labels:
                raise FormatError(f"statement {number} is named and the network has {n_labels}.")
            labels[int(record), number] = 1
    return np.array(steps, np.int64), labels


def raw_recording(facts: Mapping[str, Any]) -> tuple[Float64[np.ndarray, "lead sample"], float]:
    """Make the recording of a fixture of preparation by the rule: millivolts, and its rate.

    Raises
    ------
    FormatError
        If its sums are not those of the description.
    """
    check = facts["raw_check"]
    n_leads, n_samples = map(int, check["shape"])
    named = re.search(r"fs ?= ?(\d+)", str(facts.get("raw_note", "")))
    fs = float(named[1]) if named else 500.0
    tau = np.arange(n_samples) / fs + float(facts.get("raw_shift_s", 0.0))
    lead = np.arange(n_leads)[:, None]
    bump = np.exp(-(((1.2 * tau) % 1 - 0.3) ** 2) / 0.002)
    signal = (
        (0.5 + 0.1 * lead) * np.sin(2 * np.pi * (1.3 + 0.1 * lead) * tau) * bump
        + 0.2 * np.sin(2 * np.pi * 0.25 * tau + 0.5 * lead)
        + 0.05 * np.sin(2 * np.pi * 50 * tau)
        + 0.05 * np.sin(2 * np.pi * 11 * tau + lead)
        + 0.02 * (lead - 5)
    )
    _check_sums("recording", [signal], check)
    return signal, fs


def _check_sums(what: str, arrays: list[np.ndarray], told: Mapping[str, Any] | None) -> None:
    if told is None:
        raise FormatError(f"the description has no sums of the {what}, so it cannot be checked.")
    size = sum(a.size for a in arrays)
    total = math.fsum(float(a.sum(dtype=np.float64)) for a in arrays)
    squares = math.fsum(float(np.square(a, dtype=np.float64).sum()) for a in arrays)
    slack = 1e-6 * math.sqrt(max(size * squares, 1.0)) / max(math.sqrt(size), 1.0)
    right = abs(total - float(told["sum"])) <= slack + 1e-9 * abs(total)
    right &= math.isclose(squares, float(told["sumsq"]), rel_tol=1e-7)
    if not right or size != int(told.get("count", size)):
        raise FormatError(
            f"the {what} made by the rule sum to {total:.9g} over {size} numbers; the description "
            f"says {float(told['sum']):.9g} over {told.get('count', size)}."
        )
