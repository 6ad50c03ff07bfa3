# SPDX-License-Identifier: Apache-2.0
"""R-peaks by a head for each sample over the frozen tokens of an encoder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.signal import find_peaks

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.choosing import hash_arrays
from precordia.benchmarking.classification import Watch, frozen_methods, work_through
from precordia.benchmarking.classification_jobs import Job
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.classification_run import Run
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.low_labels import choose_labelled, read_share
from precordia.benchmarking.metrics import RATES, count_hits, rate
from precordia.benchmarking.networks import Network
from precordia.benchmarking.predictions import Predictions, write_predictions
from precordia.benchmarking.result_rows import ResultRow, append_rows
from precordia.benchmarking.rpeak_cohort import MarkedPieces
from precordia.benchmarking.scoring import Measured
from precordia.benchmarking.withheld import Chosen, Part, Withheld
from precordia.core.errors import OptionError

#: largest distances of a pair: BenchECG's windows of 20 and 150 ms around a beat
REACHES_MS = (10.0, 75.0)
#: no two beats are nearer
_APART_S = 0.2
#: how far from an R-peak a sample is still marked; one sample at 100 Hz
_MARKED_S = 0.005
#: places are compared as binary fractions of seconds, which miss equality by less
_ROUNDING_MS = 1e-3
#: thresholds that are tried on validation
_N_THRESHOLDS = 60
#: numbers of tokens that are learned from; windows are left out evenly beyond
MOST_NUMBERS = 150_000_000
_BATCH = 64


def benchmark_rpeak_heads(
    pieces: MarkedPieces,
    output: str | Path,
    options: ClassificationOptions,
    *,
    watch: Watch = lambda _: None,
) -> list[ResultRow]:
    """Score frozen encoders by the R-peaks that a linear head finds in their tokens.

    Parameters
    ----------
    pieces
        From `rpeak_pieces`, as long as the models' input.
    output
        Folder of rows and answers, as for `benchmark_classification`.
    options
        Models, labels, seeds, division, draws. Only mode ``"linear"`` is there.
    watch
        Is told in a few words what is being done.

    Returns
    -------
    The rows of this benchmark, those made earlier included: F1, sensitivity and positive
    predictive value at 10 and at 75 ms. Controls are the same architectures with random weights.

    Raises
    ------
    OptionError
        If another mode than linear is asked for, or no model, or one whose tokens do not stand in
        the order of time.

    Notes
    -----
    *Method*: the R-peak tasks of BenchECG: a linear layer gives each token's samples a score, and
    a beat is found where one is within half of a window of 20 ms. *Departures*: the head is fitted
    exactly (`fit_sample_probe`); the highest sample within 200 ms stands for a beat, where the
    publication takes every sample above one half; its threshold is the one of the highest F1 on
    validation; one found beat counts for one marked beat, so that a second one beside it is false,
    which it is not in the publication; leads of models that have tokens for each are averaged. The
    test recordings are opened after all was chosen. Intervals are over patients.

    References
    ----------
    Lunelli R, et al. BenchECG and xECG. 2025. arXiv:2509.10151
    """
    methods = frozen_methods(options, pieces.cohort.task)
    if not methods:
        raise OptionError("nothing was named that finds R-peaks here; a model is needed.")
    place = Path(output)

    def measure(job: Job, parts: tuple[Part, Part, Withheld]) -> None:
        _measure(pieces, job, options, parts, place)

    return work_through(pieces.cohort, methods, place, options, measure, watch)


def pick_peaks(
    logits: Float[np.ndarray, " sample"], fs: float
) -> tuple[Float[np.ndarray, " beat"], Float[np.ndarray, " beat"]]:
    """Return where scores are highest, no two within 200 ms, and how high.

    Samples whose score is NaN are found nowhere.

    Examples
    --------
    >>> places, heights = pick_peaks(np.array([0, 1, 0, 0, 5, 4, 0.0]), 100.0)
    >>> places.tolist(), heights.tolist()
    ([0.04], [5.0])
    """
    low = np.nanmin(logits) if np.isfinite(logits).any() else 0.0
    held = np.concatenate([[low - 1], np.where(np.isfinite(logits), logits, low - 1), [low - 1]])
    places, _ = find_peaks(held, distance=max(round(_APART_S * fs), 1))
    return (places - 1) / fs, held[places]


def _measure(
    pieces: MarkedPieces,
    job: Job,
    options: ClassificationOptions,
    parts: tuple[Part, Part, Withheld],
    place: Path,
) -> None:
    began = time.perf_counter()
    train, valid, withheld = parts
    rows, remarks = choose_labelled(
        np.ones((len(train), 1)), train.cohort.patients, read_share(job.labels), seed=job.seed
    )
    network = job.method.network
    assert network is not None
    chosen = _learn(network, pieces, train, rows, valid, job.seed)
    test = withheld.reveal(chosen)
    found = _found(pieces, test.cohort, chosen.answer(test), network.spec.fs)
    minutes = (time.perf_counter() - began) / 60
    threshold = float(chosen.thresholds[0])
    counts = {ms: _counts(pieces, found, threshold, ms) for ms in REACHES_MS}
    said = (*pieces.cohort.remarks, *job.partition.remarks, *remarks)
    notes = [*(remark.text for remark in said), *chosen.notes]
    recordings = sorted(found)
    measured = score_hits(
        counts, tuple(pieces.patients[k] for k in recordings), draws=options.draws
    )
    made = Run(pieces.cohort, job, options, {}, None, place).rows(
        measured, chosen, len(rows), notes, minutes
    )
    answers = Predictions(
        names=tuple(pieces.recordings[k] for k in recordings),
        classes=("found", "missed", "invented"),
        scores=counts[REACHES_MS[0]],
        targets=np.array([[len(pieces.peaks_s[k])] for k in recordings], float),
    )
    write_predictions(answers, place, job.key)
    append_rows(made, place)


def score_hits(
    counts: dict[float, Float[np.ndarray, "_ 3"]], patients: tuple[str, ...], *, draws: int = 1000
) -> list[Measured]:
    """Return rates of found, missed and invented beats of recordings, with intervals.

    Parameters
    ----------
    counts
        By distance in ms: found, missed and invented beats, a row a recording.
    patients
        Of the recordings.
    draws
        Of patients.
    """
    weights = draw_patients(patients, draws=draws)
    found = []
    for reach_ms, table in counts.items():
        total = table.sum(axis=0)
        for name in reversed(RATES):
            low, high = interval(lambda w, t=table, n=name: rate(n, *(w @ t).T), weights)
            value = float(rate(name, *total))
            found.append(
                Measured(
                    metric=f"{name}_{reach_ms:g}ms",
                    value=value,
                    low=low,
                    high=high,
                    n_records=len(table),
                    n_patients=len(set(patients)),
                    n_positive=int(total[0] + total[1]),
                    note="" if np.isfinite(value) else "no beat is marked or none was found",
                )
            )
    return found


def _learn(
    network: Network,
    pieces: MarkedPieces,
    train: Part,
    rows: np.ndarray,
    valid: Part,
    seed: int,
) -> Chosen:
    from precordia.training.sample_probe import fit_sample_probe, sample_logits

    spec = network.spec
    tokens_of = _tokenizer(network, seed)
    few = train if len(rows) == len(train) else train.few(rows)
    sets, notes = [], []
    for part in (few, valid):
        tokens, seen, note = _held_tokens(tokens_of, part, spec)
        marked = pieces.near_peak(part.cohort.part(seen), spec.n_samples, spec.fs, _MARKED_S)
        sets.append((tokens, marked))
        notes += note
    (x, y), (held, truth) = sets
    probe = fit_sample_probe(x, y, valid_tokens=held, valid_marked=truth)
    del x, y, held, truth, sets

    def answer(part: Part) -> np.ndarray:
        logits = np.full((len(part), spec.n_samples), np.nan, np.float32)
        for at, tokens in tokens_of(part):
            logits[at] = sample_logits(probe, tokens)
        return logits

    found = _found(pieces, valid.cohort, answer(valid), spec.fs)
    threshold, f1 = _best_threshold(pieces, found)
    penalty = probe.probe.grid[int(probe.probe.chosen[0])].c
    return Chosen(
        answer=answer,
        thresholds=np.array([threshold]),
        selection=(
            f"C {penalty:g} by validation log-loss; threshold {threshold:.2f} by validation F1 at "
            f"{REACHES_MS[0]:g} ms ({f1:.3f})"
        ),
        weights_hash=hash_arrays((probe.probe.weight, probe.probe.bias)),
        spec=spec.fingerprint,
        notes=tuple(notes),
    )


def _tokenizer(network: Network, seed: int):
    """Return what gives the tokens of a part, some windows at a time with their rows."""
    from precordia.models.frozen import encode_frozen

    if network.graph:
        raise OptionError(
            f"{network.name} is a finished graph, which gives no tokens; R-peaks need them. Train "
            f"its architecture: {network.architecture}."
        )
    encoder = network.load(0, seed=seed).eval()
    if encoder.token_order == "other":
        raise OptionError(
            f"the tokens of {network.name} do not stand in the order of time, so that no head for "
            "each sample fits them. Leave it out."
        )
    n_leads = network.spec.n_leads if encoder.token_order == "leads" else 1

    def tokens_of(part: Part) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for _, held in part.window_pieces(network.spec):
            for first in range(0, len(held.windows), _BATCH):
                some = slice(first, first + _BATCH)
                tokens = encode_frozen(
                    encoder, held.windows[some], held.present[some], what="tokens"
                )
                by_lead = tokens.reshape(len(tokens), n_leads, -1, tokens.shape[2])
                weights = held.present[some] if n_leads > 1 else np.ones((len(tokens), 1))
                share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1)
                joined = np.einsum("bltd,bl->btd", by_lead, share.astype(np.float32))
                yield held.owner[some], joined

    return tokens_of


def _held_tokens(tokens_of, part: Part, spec) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Tokens of a part in memory, of every few windows only where all would be too many."""
    tokens, rows, every, n_numbers = [], [], 1, 0
    for at, made in tokens_of(part):
        if not tokens:
            expected = made[0].size * len(part)
            every = max(1, -(-expected // MOST_NUMBERS))
        kept = at % every == 0
        tokens.append(made[kept])
        rows.append(at[kept])
        n_numbers += made[kept].size
    if not n_numbers:
        raise OptionError("no training or validation piece could be prepared for the model.")
    note = [f"one of {every} pieces was learned from"] if every > 1 else []
    return np.concatenate(tokens), np.concatenate(rows), note


def _found(
    pieces: MarkedPieces, part: Cohort, logits: Float[np.ndarray, "piece sample"], fs: float
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Places and heights of possible beats of each recording; its pieces are joined before."""
    found = {}
    owner = part.numbers[:, 0].astype(int)
    for recording in np.unique(owner):
        rows = np.flatnonzero(owner == recording)
        rows = rows[np.argsort(part.numbers[rows, 1])]
        # part of a recording never happens: divisions are by patient
        places, heights = pick_peaks(logits[rows].ravel(), fs)
        inside = places < pieces.lengths_s[recording]
        found[int(recording)] = (places[inside], heights[inside])
    return found


def _counts(
    pieces: MarkedPieces,
    found: dict[int, tuple[np.ndarray, np.ndarray]],
    threshold: float,
    reach_ms: float,
) -> Float[np.ndarray, "_ 3"]:
    table = []
    for recording in sorted(found):
        places, heights = found[recording]
        hits = count_hits(
            pieces.peaks_s[recording],
            places[heights >= threshold],
            1.0,
            window_ms=reach_ms + _ROUNDING_MS,
        )
        table.append((hits.tp, hits.fn, hits.fp))
    return np.array(table, float)


def _best_threshold(
    pieces: MarkedPieces, found: dict[int, tuple[np.ndarray, np.ndarray]]
) -> tuple[float, float]:
    heights = np.concatenate([heights for _, heights in found.values()])
    tried = (
        np.unique(np.quantile(heights, np.linspace(0, 1, _N_THRESHOLDS))) if heights.size else [0.0]
    )
    scores = [
        float(np.nan_to_num(rate("f1", *_counts(pieces, found, at, REACHES_MS[0]).sum(axis=0))))
        for at in tried
    ]
    best = int(np.argmax(scores))
    return float(tried[best]), scores[best]
