# SPDX-License-Identifier: Apache-2.0
"""Which control a method is held against first: the same network with nothing learnt before."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.benchmarking.result_rows import ResultRow

_RANDOM = "random weights"
#: what shows how much a network had learnt before, for a mode that is no control's own
_TWIN = {"finetune": "scratch", "attention": "attention"}


def is_control(row: ResultRow) -> bool:
    """Tell whether a row is of a method that others are compared with.

    Examples
    --------
    >>> is_control(ResultRow(run="", metric="", value=1, model="age-sex", mode="baseline"))
    True
    """
    return row.mode in ("baseline", "scratch") or row.model.endswith(_RANDOM)


def lead_over(control: ResultRow, beside: Sequence[ResultRow]) -> str:
    """Say over which control a lead is; with its settings where others are called the same.

    Parameters
    ----------
    control
        A row of it.
    beside
        A row of each method that stands in the same table with the same labels, its own included.

    Examples
    --------
    >>> wide, slim = (
    ...     ResultRow(run="", metric="", value=1, model="a", mode="scratch", settings=f"width={n}")
    ...     for n in (32, 8)
    ... )
    >>> lead_over(wide, [wide]), lead_over(wide, [wide, slim])
    ('minus a (scratch)', 'minus a (scratch, width=32)')
    """
    namesakes = [r for r in beside if (r.model, r.mode) == (control.model, control.mode)]
    told = [control.mode]
    if len({r.settings for r in namesakes}) > 1:
        told.append(control.settings or "usual settings")
    if len({r.input for r in namesakes if r.settings == control.settings}) > 1:
        told.append(f"input {control.input[:6]}")
    return f"minus {control.model} ({', '.join(told)})"


def leads_over(row: ResultRow, heads: Sequence[ResultRow]) -> list[str]:
    """Return over which controls a method is compared, the one that says most of it first.

    Parameters
    ----------
    row
        Of the method.
    heads
        A row of each method with each share of labels.

    Returns
    -------
    As `lead_over` says it. A frozen encoder is held against its own architecture with random
    weights in the same mode, a fine-tuned one against its architecture from scratch, a network with
    random weights against a plain baseline, all else against a frozen network with random weights.
    """
    beside = [head for head in heads if head.labels == row.labels]
    controls = [head for head in beside if is_control(head) and head.method != row.method]
    controls.sort(key=lambda control: _unlikeness(row, control))
    return [lead_over(control, beside) for control in controls]


def _unlikeness(row: ResultRow, control: ResultRow) -> tuple[bool | str, ...]:
    learnt_nothing = row.model.endswith(_RANDOM)
    return (
        learnt_nothing and control.mode != "baseline",
        bool(row.architecture) and control.architecture != row.architecture,
        control.mode != _TWIN.get(row.mode, "linear"),
        not control.model.endswith(_RANDOM),
        not row.settings.startswith(control.settings),
        control.input != row.input,
        control.model,
    )
