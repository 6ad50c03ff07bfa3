# SPDX-License-Identifier: Apache-2.0
"""Embed many files: in several processes, and never the same recording twice."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from precordia.core.embedding import Embedding
from precordia.core.errors import PrecordiaError
from precordia.core.record import Record
from precordia.embedding.embed import embedding_of
from precordia.embedding.encode import TWELVE, Encoded, encode_many
from precordia.embedding.load_encoder import check_encoder, load_encoder
from precordia.embedding.vector_cache import cached_place, digest_of, load_cached, store_cached
from precordia.io.read import read
from precordia.workers import LOST, over_all

#: files that are embedded together: their windows go through the model at once
_GROUP = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """What became of one file.

    Attributes
    ----------
    path
        The file.
    embedding
        Its vector; None where there is none.
    problem
        Why there is none.
    cached
        Whether it was made by an earlier call.
    patient_id
        Whose recording it is, as the file says; None where it does not.
    digest
        The same for two files of equal samples, rate and leads; empty where there is no vector.
    """

    path: Path
    embedding: Embedding | None = None
    problem: str = ""
    cached: bool = False
    patient_id: str | None = field(default=None, repr=False)
    digest: str = ""


def embed_files(
    paths: Iterable[Path],
    *,
    model: str = TWELVE,
    lead: str | None = None,
    half: bool = False,
    n_jobs: int = 1,
    cache: bool = True,
    options: dict[str, Any] | None = None,
) -> Iterator[Embedded]:
    """Embed files with one model, so that their vectors can be compared.

    Parameters
    ----------
    paths
        Recordings; taken only as fast as they are embedded.
    model, lead, half
        As in `precordia.embedding.embed.embed`.
    n_jobs
        Processes.
    cache
        Keep vectors in the cache folder, and take those that are there. An interrupted run goes on
        where it stopped.
    options
        Passed to the reader.

    Yields
    ------
    One entry per file, in their order; a file that cannot be read or embedded says why.

    Raises
    ------
    UnknownNameError, WeightsError, MissingExtraError
        If the model is not known, damaged or cannot be run.
    OptionError
        If ``n_jobs`` is below 1.

    Examples
    --------
    >>> list(embed_files([], model="precordia-12lead"))
    []
    """
    check_encoder(model, half=half)  # what is wrong with the model is told once, not for every file
    work = functools.partial(
        _embed_group, model=model, lead=lead, half=half, cache=cache, options=options or {}
    )
    for group, made in over_all(work, _groups(paths), n_jobs=n_jobs):
        if made is not None:
            yield from made
            continue
        # One file of the group ended its process: the others are tried without it.
        for (path,), alone in over_all(work, [(path,) for path in group], n_jobs=2):
            yield from alone or [Embedded(path=path, problem=LOST)]


def _groups(paths: Iterable[Path]) -> Iterator[tuple[Path, ...]]:
    rest = iter(paths)
    while group := tuple(islice(rest, _GROUP)):
        yield group


def _embed_group(
    group: tuple[Path, ...],
    model: str,
    lead: str | None,
    half: bool,
    cache: bool,
    options: dict[str, Any],
) -> list[Embedded]:
    """Embed some files: read each, take what is in the cache, and encode the others together."""
    graph = load_encoder(model, half=half)
    done: dict[int, Embedded] = {}
    records: dict[int, Record] = {}
    for k, path in enumerate(group):
        try:
            record = read(path, **options)
            place = cached_place(record, graph, lead) if cache else None
            known = load_cached(place, graph, of=record.source.method) if place else None
        except PrecordiaError as error:
            done[k] = Embedded(path=path, problem=str(error))
        except MemoryError:
            done[k] = Embedded(path=path, problem="memory ran out.")
        else:
            if known is None:
                records[k] = record
            else:
                done[k] = _embedded(path, record, known, cached=True)
    for k, result in _encoded(records, model, lead, half):
        if isinstance(result, str):
            done[k] = Embedded(path=group[k], problem=result)
            continue
        embedding = embedding_of(result, records[k])
        if cache:
            store_cached(embedding, cached_place(records[k], graph, lead))
        done[k] = _embedded(group[k], records[k], embedding)
    return [done[k] for k in range(len(group))]


def _embedded(
    path: Path, record: Record, embedding: Embedding, *, cached: bool = False
) -> Embedded:
    return Embedded(
        path=path,
        embedding=embedding,
        cached=cached,
        patient_id=record.patient.patient_id,
        digest=digest_of(record),
    )


def _encoded(
    records: dict[int, Record], model: str, lead: str | None, half: bool
) -> Iterator[tuple[int, Encoded | str]]:
    """Encode records together, or one by one where memory does not do for all of them."""
    try:
        pairs = ((record, None) for record in records.values())
        found = list(encode_many(pairs, model=model, lead=lead, half=half))
    except MemoryError:
        if len(records) == 1:
            yield next(iter(records)), "memory ran out."
        else:
            for k, record in records.items():
                yield from _encoded({k: record}, model, lead, half)
        return
    for k, result in zip(records, found, strict=True):
        yield k, str(result) if isinstance(result, PrecordiaError) else result
