# SPDX-License-Identifier: Apache-2.0
"""A record as one vector: near to it lie records that look alike."""

from __future__ import annotations

from precordia.core.embedding import Embedding
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.embedding.encode import Encoded, encode


def embed(
    record: Record, *, model: str | None = None, lead: str | None = None, half: bool = False
) -> Embedding:
    """Turn a record into a vector of an encoder.

    Use it to find alike records, to draw a map of many, or as the input of a small model of your
    own.

    Parameters
    ----------
    record
        The recording: any rate, any length from a quarter of the encoder's window on.
    model
        ``"precordia-12lead"``, ``"precordia-any-lead"``, the path of a graph (``.onnx``) with its
        card beside it, a published encoder such as ``"ecg-founder.12lead"`` whose weights were
        converted, or a folder of weights. By default the first where all twelve leads are there or
        follow from others, the second where they do not. Compare only vectors of the same encoder.
    lead
        Which lead an encoder of one lead gets; published ones have a usual lead.
    half
        Multiply with numbers of 16 bits, which is faster and gives vectors that differ by about a
        hundredth. Published encoders and folders of weights can.

    Returns
    -------
    The vector, and those of its windows.

    Raises
    ------
    SignalError
        If the recording is too short or has no signal.
    LeadError
        If leads are missing and the encoder needs them.
    SamplingRateError
        If the rate is too low for the encoder.
    UnknownNameError
        If there is no such encoder.
    WeightsError
        If its files are absent or damaged; the sentence says where published weights are, and how
        they are converted.
    MissingExtraError
        If the encoder needs PyTorch and that is not installed.

    Notes
    -----
    *Method.* Windows of the encoder's length follow one another without overlap; each is prepared
    by itself as the card says and its vector is the pooled output of the encoder's last block.
    The vector of the record is the mean over its windows; of a recording longer than an hour, over
    360 windows that are spread evenly. Leads without a signal are left out. Quality is not looked
    at: what `assess` calls unusable should not be embedded.

    Published encoders get what their authors give them: pieces of ten seconds (or of a window, if
    that is longer) are prepared by the steps of the card, which also say how windows are cut from
    a piece; the vector is the mean over all windows.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> one = embed(simulate("sinus", seed=1))
    >>> one.model, one.windows.shape == (1, one.dim)
    ('precordia-12lead', True)
    """
    return embedding_of(encode(record, model=model, lead=lead, half=half), record)


def embedding_of(encoded: Encoded, record: Record) -> Embedding:
    """Return what an encoder said of a record as a value."""
    graph, excerpts = encoded.graph, encoded.excerpts
    return Embedding(
        vector=encoded.embedding.mean(axis=0),
        model=graph.name,
        windows=encoded.embedding,
        covers=excerpts.covers,
        leads=excerpts.leads,
        source=Source(
            method=f"embed:{graph.name}",
            version=graph.version,
            parameters={"spec": graph.spec.fingerprint, "of": record.source.method},
            warnings=excerpts.cautions,
        ),
    )
