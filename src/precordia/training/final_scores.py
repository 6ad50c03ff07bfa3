# SPDX-License-Identifier: Apache-2.0
"""What is told of a finished training: the scores of its task, for the folder and for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from precordia.training.target_scale import TargetScale
from precordia.training.training_set import TrainingSet

if TYPE_CHECKING:
    from precordia.training.fit import Fitted


def final_scores(
    fitted: Fitted,
    sets: tuple[TrainingSet, TrainingSet],
    *,
    scale: TargetScale | None,
    fs: float,
) -> dict[str, Any]:
    """Score a trained model on the validation set.

    Parameters
    ----------
    fitted
        The model.
    sets
        For training and for validation.
    scale
        Of numbers; None where there are none.
    fs
        Rate of the windows, Hz.
    """
    from precordia.training.predict import predict
    from precordia.training.validation_scores import by_record

    valid = sets[1]
    logits = predict(fitted.model, valid, precision=fitted.settings.precision)
    z, y, patients = by_record(valid, logits)
    if valid.task == "sample-classes":
        scores = _of_samples(z, y, patients, sets, fs)
    else:
        scores = _of_records(z, y, patients, valid, scale)
    return {
        "best_metric": fitted.metric,
        "best_score": fitted.best_score,
        "best_epoch": fitted.best_epoch + 1,
        "n_epochs": len(fitted.epochs),
        "ended": fitted.ended,
        "n_validation": len(z),
        "n_patients": len(set(patients)),
        "note": "of the validation set, which chose the epoch; 95 % intervals over patients",
        **scores,
        "epochs": list(fitted.epochs),
    }


def _of_records(
    z: np.ndarray,
    y: np.ndarray,
    patients: tuple[str, ...],
    valid: TrainingSet,
    scale: TargetScale | None,
) -> dict[str, Any]:
    from precordia.training.number_scores import errors_with_intervals
    from precordia.training.score_intervals import aurocs_with_intervals
    from precordia.training.validation_scores import one_column_a_class

    if scale is None:
        return aurocs_with_intervals(z, one_column_a_class(y, z.shape[1]), valid.classes, patients)
    z, y = scale.in_units(z), scale.in_units(y)
    return errors_with_intervals(z, y, valid.classes, patients, guess=scale.mean)


def _of_samples(
    z: np.ndarray,
    y: np.ndarray,
    patients: tuple[str, ...],
    sets: tuple[TrainingSet, TrainingSet],
    fs: float,
) -> dict[str, Any]:
    from precordia.delineation.sample_waves import SHORTEST_MS, without_short_runs
    from precordia.training.boundary_scores import boundary_scores_with_intervals
    from precordia.training.sample_scores import sample_scores_with_intervals

    train, valid = sets
    known = np.asarray(train.labels)
    seen = known[~np.isnan(known)].astype(int)
    majority = int(np.bincount(seen, minlength=len(valid.classes)).argmax())
    least = SHORTEST_MS * fs / 1000
    said = np.stack([without_short_runs(row, least) for row in z.argmax(axis=1)])
    return {
        **sample_scores_with_intervals(said, y, valid.classes, patients, majority=majority),
        **boundary_scores_with_intervals(said, y, valid.classes, patients, fs=fs),
    }


def told_of_scores(metrics: Mapping[str, Any], scale: TargetScale | None) -> dict[str, Any]:
    """Return what the saved model's description says of its scores."""
    if "boundaries" in metrics:
        return {
            "outputs": "classes of samples, background first",
            "macro_f1_validation": metrics["macro_f1"]["value"],
        }
    if scale is None:
        value = metrics["macro_auroc"]["value"]
        return {} if np.isnan(value) else {"macro_auroc_validation": value}
    errors = {n: held["mean_absolute_error"]["value"] for n, held in metrics["numbers"].items()}
    return {
        "outputs": "in units; mean and sd of training are in the head",
        "numbers": scale.to_dict(),
        "mean_absolute_error_validation": errors,
    }


def score_lines(told: Mapping[str, Any]) -> list[str]:
    """Return the scores of a training as lines for a reader."""
    lines = []
    if "macro_auroc" in told:
        for name, held in {"all": told["macro_auroc"], **told["classes"]}.items():
            low, high = held["interval"]
            lines.append(f"  {name:<24} AUROC {held['value']:.3f} ({low:.3f} to {high:.3f})")
    for name, held in told.get("numbers", {}).items():
        error, r2 = held["mean_absolute_error"], held["r2"]
        lines.append(
            f"  {name:<24} mean absolute error {_shown(error)}, R2 {_shown(r2)}; the mean of "
            f"training, {held['guess']:.3g}, is off by "
            f"{held['mean_absolute_error_of_guess']:.3g}"
        )
    if "boundaries" in told:
        lines += _sample_lines(told)
    return lines


def _sample_lines(told: Mapping[str, Any]) -> list[str]:
    control = told["control"]
    lines = [
        f"  {'waves, in the mean':<24} F1 {_shown(told['macro_f1'])} of samples; control "
        f"({control['says']}) {control['macro_f1']:.3g}",
        f"  {'all samples':<24} accuracy {_shown(told['accuracy'])}; control "
        f"{control['accuracy']:.3g}",
    ]
    for name, held in told["classes"].items():
        lines.append(
            f"  {name:<24} F1 {_shown(held['f1'])}, intersection over union {_shown(held['iou'])}"
        )
    for name, held in told["boundaries"].items():
        lines.append(
            f"  {name:<24} F1 {_shown(held['f1'])} within {told['tolerance_ms']:g} ms; off by "
            f"{_shown(held['mean_ms'])} ms, SD {_shown(held['sd_ms'])} ms"
        )
    return lines


def _shown(score: Mapping[str, Any]) -> str:
    low, high = score["interval"]
    return f"{score['value']:.3g} ({low:.3g} to {high:.3g})"


def without_nan(held: Any) -> Any:
    """Return scores with None for NaN and infinity, which JSON has no word for."""
    if isinstance(held, dict):
        return {key: without_nan(value) for key, value in held.items()}
    if isinstance(held, list | tuple):
        return [without_nan(value) for value in held]
    return None if isinstance(held, float) and not np.isfinite(held) else held
