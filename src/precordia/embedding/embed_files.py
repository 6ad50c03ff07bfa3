# SPDX-License-Identifier: Apache-2.0
"""Embed many files: in several processes, and never the same recording twice."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia.core.embedding import Embedding
from precordia.core.errors import MissingExtraError, PrecordiaError, UnknownNameError, WeightsError
from precordia.embedding.embed import embed
from precordia.embedding.encode import TWELVE
from precordia.embedding.vector_cache import cached_place, load_cached, store_cached
from precordia.io.read import read
from precordia.models.runtime import load_graph
from precordia.workers import LOST, over_all

#: files that travel to a process together
_BATCH = 8


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
    """

    path: Path
    embedding: Embedding | None = None
    problem: str = ""
    cached: bool = False


def embed_files(
    paths: Iterable[Path],
    *,
    model: str = TWELVE,
    n_jobs: int = 1,
    cache: bool = True,
    options: dict[str, Any] | None = None,
) -> Iterator[Embedded]:
    """Embed files with one model, so that their vectors can be compared.

    Parameters
    ----------
    paths
        Recordings; taken only as fast as they are embedded.
    model
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
    load_graph(model)  # what is wrong with the model is told once, not for every file
    work = functools.partial(_embed_one, model=model, cache=cache, options=options or {})
    for path, made in over_all(work, paths, n_jobs=n_jobs, batch=_BATCH if n_jobs > 1 else 1):
        yield made or Embedded(path=path, problem=LOST)


def _embed_one(path: Path, model: str, cache: bool, options: dict[str, Any]) -> Embedded:
    try:
        record = read(path, **options)
        graph = load_graph(model)
        place = cached_place(record, graph) if cache else None
        known = load_cached(place, graph, of=record.source.method) if place else None
        if known is not None:
            return Embedded(path=path, embedding=known, cached=True)
        embedding = embed(record, model=model)
    except (UnknownNameError, WeightsError, MissingExtraError):
        raise
    except PrecordiaError as error:
        return Embedded(path=path, problem=str(error))
    except MemoryError:
        return Embedded(path=path, problem="memory ran out.")
    if place:
        store_cached(embedding, place)
    return Embedded(path=path, embedding=embedding)
