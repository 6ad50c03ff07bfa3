# SPDX-License-Identifier: Apache-2.0
"""The recordings of an index that look like this one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from precordia.core.embedding import Embedding
from precordia.core.neighbours import Neighbour, Neighbours
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.embedding.embed import embed
from precordia.embedding.index import Encoder, Index, open_index
from precordia.embedding.neighbours import NOBODY, find_neighbours
from precordia.embedding.vector_cache import digest_of

_WHOSE = "nothing says whose recording this is, so others of the same patient may be among these."
_STRANGER = (
    "no recording of the index goes by this patient's key; one that is known by another key there "
    "would not be noticed."
)


def similar(
    record: Record,
    index: Index | str | Path,
    *,
    k: int = 5,
    embedding: Embedding | None = None,
    model: str | None = None,
    patient: str | None = None,
    exclude_same_patient: bool = False,
    exclude_same_recording: bool = False,
) -> Neighbours:
    """Find the recordings that an encoder takes for most alike to one.

    Parameters
    ----------
    record
        The recording.
    index
        An index, or its folder; its encoder embeds the record.
    k
        How many.
    embedding
        The record's vector, where there is one already.
    model
        What the encoder of the index is loaded by, where its files are elsewhere now.
    patient
        Key of the patient; by default what the record says.
    exclude_same_patient
        Leave out recordings of the same patient, and this very recording. Whoever judges how well
        alike recordings tell what this one shows must: a patient's recordings are each other's
        nearest, whatever they show.
    exclude_same_recording
        Leave out this very recording alone.

    Returns
    -------
    The neighbours, the nearest first; ``notes`` say where a patient could not be told apart.

    Raises
    ------
    MissingFileError, FormatError
        If there is no index, or it is damaged.
    OptionError
        If ``embedding`` is of another encoder, or ``k`` is below 1.
    SignalError, LeadError, SamplingRateError
        If the record cannot be embedded by the encoder of the index.
    UnknownNameError, WeightsError, MissingExtraError
        If that encoder is not here.

    Notes
    -----
    Cosine similarity, every vector compared. A copy that was resampled, filtered or rounded is
    another recording here: its samples differ.

    Likeness is what the encoder learned to see. It is no diagnosis, and the reports of neighbours
    tell nothing of this recording that was not found in it.

    References
    ----------
    Pham HM et al. Q-Heart: ECG question answering via knowledge-informed multimodal LLMs. ECAI
    2025. arXiv:2505.06296

    Examples
    --------
    >>> import tempfile
    >>> import precordia as pc
    >>> from precordia.embedding.fill_index import index_files
    >>> folder = Path(tempfile.mkdtemp(), "alike")
    >>> _ = index_files([Path(pc.toy_record())], folder)
    >>> found = similar(pc.read(pc.toy_record()), folder, k=1)
    >>> round(found.neighbours[0].similarity, 3), found.neighbours[0].same_recording
    (1.0, True)
    """
    held = index if isinstance(index, Index) else open_index(index)
    made = embedding if embedding is not None else embed(record, model=model or held.model)
    held.check(Encoder.of(made))
    key = patient if patient is not None else record.patient.patient_id
    patients, own_patient = held.groups("patient", held.hash_of(key))
    digests, own_digest = held.groups("digest", digest_of(record))
    same_patient = (patients == own_patient) & (own_patient >= 0)
    same_recording = digests == own_digest
    left_out = same_recording & (exclude_same_recording or exclude_same_patient)
    left_out |= same_patient & exclude_same_patient
    found = find_neighbours(
        list(held.vectors) or np.empty((0, made.dim), np.float32),
        made.vector[None],
        k,
        apart=[(np.where(left_out, 0, NOBODY), np.zeros(1, np.int64))],
    )
    neighbours = []
    for row, score in zip(found.rows[0], found.scores[0], strict=True):
        if row == NOBODY:
            break
        entry = held.entries[row]
        neighbours.append(
            Neighbour(
                name=entry.name,
                similarity=float(score),
                labels=entry.labels,
                report=entry.report,
                same_patient=bool(same_patient[row]) if key and patients[row] >= 0 else None,
                same_recording=bool(same_recording[row]),
            )
        )
    notes = list(made.source.warnings)
    if exclude_same_patient and not same_patient.any():
        notes.append(_STRANGER if key else _WHOSE)
    return Neighbours(
        neighbours=tuple(neighbours),
        model=held.encoder.name,
        n_searched=len(held) - int(left_out.sum()),
        n_left_out=int(left_out.sum()),
        notes=tuple(notes),
        source=Source(
            method="similar:cosine",
            version=held.encoder.version,
            parameters={"k": k, "exclude_same_patient": exclude_same_patient},
        ),
    )
