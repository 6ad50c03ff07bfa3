# SPDX-License-Identifier: Apache-2.0
"""Sentences about the rhythm and the rate."""

from __future__ import annotations

from precordia.core.claims import UNDECIDED, Claim, statement_claim
from precordia.core.report import Sentence
from precordia.core.study import Study
from precordia.core.study_numbers import number_of
from precordia.knowledge.exclusions import contradictions
from precordia.reporting.borne_out import not_borne_out
from precordia.reporting.wording import Wording

#: statements that say where the beat begins, and how fast
RHYTHMS = (
    *("VTACH", "AFIB", "AFLT", "PSVT", "SVTAC", "SVARR", "PACE", "JUNC", "EATR"),
    *("SBRAD", "STACH", "SARRH", "SR"),
)
#: a sinus rhythm that has a name of its own is not called sinus rhythm beside it
SINUS = ("SBRAD", "STACH", "SARRH")


def rhythm_codes(study: Study) -> tuple[str, ...]:
    """Return the statements that name the rhythm, but those that the rate denies."""
    found = {f.code for f in study.findings.present} - set(not_borne_out(study))
    codes = [code for code in RHYTHMS if code in found]
    return tuple(c for c in codes if c != "SR" or not found.intersection(SINUS))


def rhythm_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return the rhythm and the rate; "or" stands between rhythms that exclude each other.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    Sentences of the section "rhythm".
    """
    codes, denied = rhythm_codes(study), not_borne_out(study)
    rate, why = number_of(study, "heart_rate_bpm")
    claims = [statement_claim(code) for code in codes]
    told = [words.statement(code, study.findings) for code in codes]
    names = words.joined(told, "or" if contradictions(codes) else "and")
    if not why:
        claims.append(Claim(measure="heart_rate_bpm", value=rate, unit="/min"))
    key = "rhythm" if codes else "rate_only"
    if why:
        key = "rhythm_only" if codes else ""
    doubtful = [code for code in RHYTHMS if code in denied]
    if doubtful and not codes:
        key = "rhythm_not_borne_out"
        names = words.joined([words.statement(code) for code in doubtful])
        claims += [claim for code in doubtful for claim in (statement_claim(code), denied[code])]
    if not key:
        open_ = [c for c in RHYTHMS if c in study.findings.undecided]
        claims = [statement_claim(c, UNDECIDED) for c in open_]
        return [_sentence(words.phrase("rhythm_unknown"), claims)] if claims else []
    shown = words.number(rate) if not why else ""
    return [_sentence(words.phrase(key, names=names, rate=shown), claims)]


def _sentence(text: str, claims: list[Claim]) -> Sentence:
    return Sentence(text=text, claims=tuple(claims), section="rhythm")
