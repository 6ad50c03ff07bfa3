# SPDX-License-Identifier: Apache-2.0
"""Embeddings made before, on disk, found by what was embedded."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from precordia.core.embedding import Embedding
from precordia.core.errors import OutputError, PrecordiaError
from precordia.core.output import whole_file
from precordia.core.record import Record
from precordia.core.settings import settings
from precordia.core.source import Source
from precordia.models.runtime import Graph

#: changes whenever the same graph may give other vectors: how windows are chosen and pooled
_VERSION = 1


def cached_place(record: Record, graph: Graph, lead: str | None = None) -> Path:
    """Return the file that would hold the embedding of a record.

    Its name follows from the samples, the rate, the leads and the origin of the record, and from
    the lead that was asked for; its folder from the weights of the graph: the name of a file and
    who was recorded play no part.
    """
    name = digest_of(record, lead)
    folder = f"v{_VERSION}-{graph.version}-{graph.spec.fingerprint}"
    return settings().cache / "embeddings" / folder / name[:2] / f"{name}.npz"


def digest_of(record: Record, lead: str | None = None) -> str:
    """Return what is the same for two records of equal samples, rate, leads and origin."""
    facts = [record.fs, record.leads, record.origin, record.signal.shape]
    about = json.dumps(facts if lead is None else [*facts, lead])
    digest = hashlib.blake2b(about.encode(), digest_size=16)
    digest.update(np.ascontiguousarray(record.signal, "<f4").data)
    return digest.hexdigest()


def load_cached(place: Path, graph: Graph, *, of: str) -> Embedding | None:
    """Return the embedding that a file holds; None where there is none or it is damaged."""
    try:
        with np.load(io.BytesIO(place.read_bytes()), allow_pickle=False) as held:
            about = json.loads(str(held["about"]))
            return Embedding(
                vector=held["vector"],
                model=graph.name,
                windows=held["windows"],
                covers=held["covers"],
                leads=tuple(about["leads"]),
                source=Source(
                    method=f"embed:{graph.name}",
                    version=graph.version,
                    parameters={"spec": graph.spec.fingerprint, "of": of},
                    warnings=tuple(about["warnings"]),
                ),
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, PrecordiaError):
        return None


def store_cached(embedding: Embedding, place: Path) -> None:
    """Keep an embedding for the next time; a cache that cannot be written is done without."""
    about = {"leads": embedding.leads, "warnings": embedding.source.warnings}
    with contextlib.suppress(OSError, OutputError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(place, overwrite=True) as part, part.open("wb") as file:
            np.savez(
                file,
                vector=embedding.vector,
                windows=embedding.windows,
                covers=embedding.covers,
                about=np.array(json.dumps(about)),
            )
