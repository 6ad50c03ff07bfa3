# SPDX-License-Identifier: Apache-2.0
"""precordia: one toolkit for the electrocardiogram.

Verbs are functions (`read`, `assess`, `delineate`, `measure`, `classify`, `plot`, ...); what they
take and give are values that print themselves and go to JSON and back (`Record`, `Quality`,
`Fiducials`, `Measurements`, `Findings`). `examine` does all of it. Names are loaded when first
used, so that importing the package costs next to nothing.

>>> import precordia as pc
>>> record = pc.read(pc.toy_record())
>>> numbers = pc.measure(record)
>>> round(numbers.heart_rate_bpm), round(numbers.qrs_ms)
(68, 91)
>>> [finding.code for finding in pc.classify(record, measurements=numbers).present]
['SR', 'NORM']
"""

from __future__ import annotations

__version__ = "0.1.0.dev0"

_WHERE = {
    "Record": "precordia.core.record",
    "Patient": "precordia.core.record",
    "Quality": "precordia.core.quality",
    "Fiducials": "precordia.core.fiducials",
    "Measurements": "precordia.core.measurements",
    "Finding": "precordia.core.findings",
    "Findings": "precordia.core.findings",
    "Study": "precordia.core.study",
    "Embedding": "precordia.core.embedding",
    "InputSpec": "precordia.core.input_spec",
    "PrecordiaError": "precordia.core.errors",
    "read": "precordia.io.read",
    "write": "precordia.io.write",
    "read_annotations": "precordia.io.wfdb_annotation",
    "write_annotations": "precordia.io.wfdb_annotation",
    "list_formats": "precordia.io.formats",
    "assess": "precordia.quality.assess",
    "detect_rpeaks": "precordia.delineation.rpeaks",
    "delineate": "precordia.delineation.delineate",
    "measure": "precordia.measurement.measure",
    "classify": "precordia.classification.classify",
    "classify_many": "precordia.classification.classify_many",
    "Beats": "precordia.core.beats",
    "classify_beats": "precordia.classification.beats",
    "beat_annotations": "precordia.classification.beats",
    "judge_fibrillation": "precordia.classification.atrial_fibrillation",
    "Claim": "precordia.core.claims",
    "Verdict": "precordia.core.verify",
    "Report": "precordia.core.report",
    "report": "precordia.reporting.report",
    "score_grounding": "precordia.reporting.grounding",
    "verify": "precordia.core.verify",
    "list_statements": "precordia.knowledge.statements",
    "find_statements": "precordia.knowledge.lookup",
    "find_mentions": "precordia.knowledge.lookup",
    "find_entry": "precordia.knowledge.lexicon",
    "prompts_for": "precordia.knowledge.prompts",
    "plot": "precordia.plotting.plot",
    "simulate": "precordia.generation.simulate",
    "list_scenarios": "precordia.generation.scenarios",
    "toy_record": "precordia.datasets.toy",
    "list_datasets": "precordia.datasets.databases",
    "load_dataset": "precordia.datasets.dataset",
    "split_dataset": "precordia.datasets.splits",
    "describe_dataset": "precordia.datasets.describe",
    "build_store": "precordia.datasets.store_build",
    "open_store": "precordia.datasets.store",
    "prepare": "precordia.embedding.prepare",
    "list_models": "precordia.models.architectures",
    "load_model": "precordia.models.load_model",
    "list_published": "precordia.models.published_card",
    "published_card": "precordia.models.published_card",
    "embed": "precordia.embedding.embed",
    "similar": "precordia.embedding.similar",
    "open_index": "precordia.embedding.index",
    "Neighbours": "precordia.core.neighbours",
    "Tokens": "precordia.core.tokens",
    "list_tokenizers": "precordia.tokens.tokenizers",
    "make_tokenizer": "precordia.tokens.tokenizers",
    "load_tokenizer": "precordia.tokens.saved",
    "examine": "precordia.pipeline",
    "answer": "precordia.questions.answer",
    "Answer": "precordia.questions.answer",
    "mirage_check": "precordia.questions.mirage_check",
    "load_backend": "precordia.language.backend",
    "list_backends": "precordia.language.backend",
    "phrase_answer": "precordia.language.phrase",
    "phrase_report": "precordia.language.phrase",
    "check_text": "precordia.language.checked_text",
    "deidentify": "precordia.deidentification.deidentify",
    "deidentify_file": "precordia.deidentification.copies",
    "Pseudonyms": "precordia.deidentification.pseudonyms",
    "catalogue": "precordia.cataloguing.catalogue",
    "benchmark": "precordia.benchmarking.benchmark",
    "train": "precordia.training.train",
    "pretrain": "precordia.training.pretrain",
}

__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'precordia' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
