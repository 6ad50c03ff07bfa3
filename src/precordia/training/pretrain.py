# SPDX-License-Identifier: Apache-2.0
"""From recordings without labels to an encoder, in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.core.errors import OptionError
from precordia.core.input_spec import InputSpec
from precordia.core.output import write_text_whole
from precordia.core.record import Remark
from precordia.core.registry import load_object
from precordia.core.settings import settings as places
from precordia.training.objective_row import Row
from precordia.training.pretrain_request import UNTOLD, PretrainRequest, read_request
from precordia.training.pretrained_encoder import ENCODER, Pretrained
from precordia.training.run_place import place_of
from precordia.training.settings import SPEED

if TYPE_CHECKING:
    from precordia.models.encoder import Encoder
    from precordia.training.group_order import GroupOrder
    from precordia.training.objective import Objective
    from precordia.training.pretrain_loop import PretrainLoop, Watch
    from precordia.training.processes import Processes
    from precordia.training.record_source import RecordSource
    from precordia.training.unlabelled_source import UnlabelledSource

SUMMARY = "pretraining.json"


def pretrain(
    objective: str,
    data: str | Path | RecordSource | Sequence[str | Path | RecordSource],
    *,
    folder: str | Path,
    model: str | Path = "",
    options: Mapping[str, Any] | None = None,
    changes: Iterable[str] = (),
    input_spec: InputSpec | None = None,
    minutes: float = 0.0,
    steps: int = 0,
    epochs: int = 0,
    batch_size: int = 64,
    folds: Sequence[str] = (),
    seed: int = 0,
    trust_scale: bool = False,
    cache: str | Path = "",
    n_jobs: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> Pretrained:
    """Train an encoder without labels and save it.

    Parameters
    ----------
    objective
        One of `precordia.training.objective_table.list_objectives`.
    data
        Folder of a store, ``"database:folder"`` for the files of a database, or several of them.
    folder
        Where everything goes: the encoder (``encoder``), ``pretraining.json``, ``log.jsonl``, event
        files for TensorBoard and the checkpoint.
    model
        Architecture, or folder of `save_pretrained` whose weights it begins with; by default what
        the objective is made for.
    options
        Of the objective.
    changes
        ``"key=value"``: options of the objective, and ``training.``, ``model.`` or ``input.``
        before what else may be told, such as ``"training.lr=0.0005"``, ``"model.width=64"`` or
        ``"input.seconds=5"``.
    input_spec
        How recordings become windows; by default as the weights say, else millivolts above 0.5 Hz.
    minutes, steps, epochs
        How long; one of them. Minutes are turned into steps once, by the time that some steps take,
        and do not include the preparation of recordings.
    batch_size
        Windows of a step, over all processes together.
    folds
        Folds to learn from; by default those published for training, and databases without folds
        whole.
    seed
        Of everything that is drawn.
    trust_scale
        Take recordings that have lost their millivolts too.
    cache
        Folder for prepared recordings.
    n_jobs
        Processes that prepare them.
    resume
        Go on with a pretraining that was interrupted.
    overwrite
        Begin anew in a folder that holds one.
    watch
        Is told steps done, steps in all, and a few words.

    Returns
    -------
    The encoder and how it was made.

    Raises
    ------
    UnknownNameError, OptionError
        If something is unknown or impossible, or the loss stops being a number.
    OutputError
        If the folder holds a pretraining already, or the disk refuses.
    WeightsError
        If weights or a checkpoint are damaged, or of another pretraining.
    MissingExtraError
        If PyTorch is not installed.
    Interrupted
        After Ctrl-C, a `KeyboardInterrupt`; the checkpoint is written first.

    Notes
    -----
    What each step sees and draws is a function of seed and step, so that a resumed pretraining is
    the same to the bit as one that was never interrupted, also with `minutes`, whose number of
    steps is kept. Under torchrun each batch is divided among processes; batch norms and losses that
    compare windows see the whole batch, and masks and views are those of one process. What dropout
    draws differs; without it the result is that of one process but for rounding.

    Examples
    --------
    >>> import tempfile
    >>> import precordia as pc
    >>> from precordia.datasets.item import Item
    >>> place = Path(tempfile.mkdtemp())
    >>> beat = pc.simulate("sinus", seed=1)
    >>> plain = pc.Record(signal=beat.signal, fs=beat.fs, leads=beat.leads)
    >>> for k in range(4):
    ...     _ = pc.write(plain, place / f"{k}.hea")
    >>> items = [
    ...     Item(name=str(k), path=place / f"{k}.hea", patient=pc.Patient(patient_id=str(k)))
    ...     for k in range(4)
    ... ]
    >>> _ = pc.build_store(items, place / "store")
    >>> done = pretrain("simclr", place / "store", folder=place / "run", steps=2, batch_size=2,
    ...                 changes=["model.width=4", "training.threads=1"])
    >>> done.model.name, done.model.dim
    ('resnet1d', 32)
    """
    request = read_request(
        objective, model=model, options=options or {}, changes=changes, input_spec=input_spec,
        minutes=minutes, steps=steps, epochs=epochs, batch_size=batch_size, seed=seed,
        folds=folds,
    )  # fmt: skip
    place = Path(folder)
    torch = load_object("torch:random", extra="train", purpose="pretraining")
    kind = load_object(request.row.path, extra="train", purpose="pretraining")
    from precordia.models.device import chosen_device, repeatable, seeded_devices
    from precordia.training.processes import join

    device = chosen_device(request.training.device)
    processes = join(device)
    with place_of(place, resume=resume, overwrite=overwrite, is_first=processes.is_first):
        with torch.fork_rng(devices=seeded_devices(device)), repeatable(device):
            # Before recordings are prepared, which may take hours: options may not do.
            encoder, before = _encoder(request)
            torch.manual_seed(seed)
            learner = kind(encoder, **request.options).to(device)
            held = _data(request, data, processes, trust_scale, cache, n_jobs, watch)
            order = _order(request, held, processes)
            loop = _loop(request, learner, held, order, place, processes, resume, overwrite, watch)
            loop.run()
        exported = learner.exported().eval()
        noticed = (*held.remarks, *_said_of_order(order, held), *loop.remarks)
        summary = _summary(request, exported, held, loop)
        if processes.is_first:
            _save(place, request, exported, held, before, summary)
    return Pretrained(folder=place, model=exported, summary=summary, remarks=noticed)


def _data(
    request: PretrainRequest,
    data: Any,
    processes: Processes,
    trust_scale: bool,
    cache: str | Path,
    n_jobs: int,
    watch: Watch | None,
) -> UnlabelledSource:
    from precordia.training.unlabelled_source import open_unlabelled

    several = data if isinstance(data, (list, tuple)) else [data]
    return open_unlabelled(
        several,
        request.spec,
        cache or places().cache / "pretraining",
        folds=[str(fold) for fold in request.folds],
        together=2 if request.row.grouping == "neighbours" else 1,
        rpeaks="rpeaks" in request.row.needs,
        trust_scale=trust_scale,
        n_jobs=n_jobs,
        wait=not processes.is_first,
        watch=watch if processes.is_first else None,
    )


def _order(request: PretrainRequest, held: UnlabelledSource, processes: Processes) -> GroupOrder:
    """Say which windows each step sees, or why that cannot be."""
    from precordia.training.group_order import GroupOrder

    row, size = request.row, request.batch_size
    _check_needs(request, held)
    order = GroupOrder(
        row.grouping, size, patients=held.patients, records=held.records, seed=request.seed
    )
    if size % (order.together * processes.n):
        raise OptionError(
            f"batch_size is {size}; a multiple of {order.together * processes.n} is needed, since "
            f"{request.name} takes {row.grouping} and {processes.n} processes share a batch."
        )
    if not order.n_batches:
        there = order.n_groups * order.together
        what = {"records": "recordings", "neighbours": "recordings", "patients": "patients"}
        raise OptionError(
            f"a batch of {size} windows needs {size // order.together} {what[row.grouping]}; "
            f"{order.n_groups} are here. Use a batch_size of {there} or less (--batch-size), or "
            "more recordings."
        )
    return order


def _check_needs(request: PretrainRequest, held: UnlabelledSource) -> None:
    row, name = request.row, request.name
    if row.grouping == "patients" and held.n_patients == held.n_records == len(held):
        raise OptionError(
            f"{name} compares recordings of one patient with each other, and no patient here has "
            "two recordings. Use a store that says whose recordings are (precordia store "
            "describe), or another objective."
        )
    for need, values in (("ages", held.ages), ("males", held.males)):
        if need in row.needs and bool((values != values).all()):
            raise OptionError(
                f"{name} needs {'ages' if need == 'ages' else 'the sex'} of patients, and no "
                "recording here has any. Use another store, or another objective."
            )


def _said_of_order(order: GroupOrder, held: UnlabelledSource) -> list[Remark]:
    said = []
    if order.n_left_out:
        text = (
            f"{order.n_left_out} of {order.n_groups * order.together} windows do not fill a batch "
            "and are left to other epochs, another few in each."
        )
        said.append(Remark(code="batch-not-full", text=text))
    if order.grouping == "patients" and (n := held.n_lone_patients()):
        text = (
            f"{n} of {held.n_patients} patients have a single window; both of theirs are the same."
        )
        said.append(Remark(code="patients-of-one-window", text=text))
    return said


def _encoder(request: PretrainRequest) -> tuple[Encoder, tuple[str, ...]]:
    """Make the encoder; say what the weights that it begins with were made from."""
    from precordia.models.load_model import load_model

    spec, given = request.spec, dict(request.model_options)
    if request.weights:
        given |= {"weights": request.weights, "head": "new"}
    encoder = load_model(
        request.architecture, n_outputs=0, leads=spec.leads, fs=spec.fs, seconds=spec.seconds,
        seed=request.seed, **given,
    )  # fmt: skip
    encoder.input_spec = spec  # objectives ask it what the scale of a window means
    before = encoder.training_data or ((UNTOLD,) if request.weights else ())
    return encoder, tuple(before)


def _loop(
    request: PretrainRequest,
    learner: Objective,
    held: UnlabelledSource,
    order: GroupOrder,
    place: Path,
    processes: Processes,
    resume: bool,
    overwrite: bool,
    watch: Watch | None,
) -> PretrainLoop:
    from dataclasses import replace

    from precordia.models.device import chosen_precision
    from precordia.training.predict import device_of
    from precordia.training.pretrain_loop import PretrainLoop
    from precordia.training.run_folder import checkpoint_to_go_on_from

    device = device_of(learner)
    settings = replace(
        request.training, precision=chosen_precision(request.training.precision, device)
    )
    if settings.threads:
        load_object("torch:set_num_threads")(settings.threads)
    told = {k: v for k, v in settings.to_dict().items() if k not in SPEED}
    about = {
        "settings": {**request.to_dict(), **{f"training.{k}": v for k, v in told.items()}},
        "recordings": held.content,
        "input": request.spec.fingerprint,
    }
    found = checkpoint_to_go_on_from(
        place, json.loads(json.dumps(about)), processes, resume=resume, overwrite=overwrite
    )
    n_steps = request.steps or request.epochs * order.n_batches
    if found is not None:
        n_steps = found.about["n_steps"]
    make = {
        "processes": processes,
        "watch": watch if processes.is_first else None,
        "spread_steps": request.spread_steps,
    }
    if not n_steps:
        probe = PretrainLoop(learner, held, order, settings, n_steps=1, **make)
        seconds = 60 * request.minutes
        n_steps = max(1, round(seconds / probe.seconds_of_a_step(min(10.0, 0.05 * seconds))))
    return PretrainLoop(
        learner, held, order, settings, n_steps=n_steps, folder=place,
        about={**about, "n_steps": n_steps}, found=found, **make,
    )  # fmt: skip


def _summary(
    request: PretrainRequest, exported: Encoder, held: UnlabelledSource, loop: PretrainLoop
) -> dict[str, Any]:
    row: Row = request.row
    spread = loop.last_spread()
    return {
        "objective": request.name,
        "title": row.title,
        "paper": row.paper,
        "options": request.options,
        "architecture": exported.name,
        "steps": loop.progress.step,
        "batch_size": request.batch_size,
        "windows_seen": loop.progress.step * request.batch_size,
        "epochs": round(loop.progress.step / loop.order.n_batches, 2),
        "n_records": held.n_records,
        "n_patients": held.n_patients,
        "data": list(held.about),
        "seed": request.seed,
        "lr": request.training.lr,
        "loss": loop.progress.loss_sum,
        "effective_rank": spread.get("rank"),
        "mean_cosine": spread.get("cosine"),
        "minutes": round(loop.progress.seconds / 60, 2),
    }


def _save(
    place: Path,
    request: PretrainRequest,
    exported: Encoder,
    held: UnlabelledSource,
    before: tuple[str, ...],
    summary: dict[str, Any],
) -> None:
    """Write what the folder promises; again and again the same, so that a killed one is mended."""
    from precordia.training.environment import environment

    exported.save_pretrained(
        place / ENCODER,
        overwrite=True,
        input_spec=request.spec,
        classes=(),
        training_data=tuple(dict.fromkeys((*before, *held.databases))),
        details={"task": "pretraining", **summary},
    )
    text = json.dumps({**summary, "environment": environment()}, indent=2, ensure_ascii=False)
    write_text_whole(text + "\n", place / SUMMARY, overwrite=True)
