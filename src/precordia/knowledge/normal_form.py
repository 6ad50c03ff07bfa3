# SPDX-License-Identifier: Apache-2.0
"""Words in one form: case, accents, spelling, plurals, numbers and words of one meaning."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_STOP_TEXT = """
    the a an of in on at to for with and or by as from due is are was be there this that any
    sided lead leads pattern syndrome sign signs evidence type
    der die das des dem den ein eine einer eines im mit und oder am auf bei von vom zu zum
    zur als nach ableitung ableitungen
"""
#: words that carry no meaning of their own in a name
STOP_WORDS = frozenset(_STOP_TEXT.split())
#: endings of German adjectives
_ADJECTIVE = re.compile(r"(.*(?:isch|ig|lich|al|ell|plett|or|er|iert|ant|ent))(?:e|er|es|en|em)$")
#: words for which a name uses one only
_ONE_WORD = {
    "complex": "beat",
    "contraction": "beat",
    "depolarization": "beat",
    "ectopy": "ectopic",
    "infarct": "infarction",
    "infarcted": "infarction",
    "prolonged": "long",
    "prolongation": "long",
    "lengthened": "long",
    "lengthening": "long",
    "extended": "long",
    "shortened": "short",
    "shortening": "short",
    "enlarged": "enlargement",
    "dilated": "enlargement",
    "dilatation": "enlargement",
    "dilation": "enlargement",
    "hypertrophic": "hypertrophy",
    "hypertrophied": "hypertrophy",
    "inversion": "inverted",
    "negative": "inverted",
    "depressed": "depression",
    "elevated": "elevation",
    "raised": "elevation",
    "ischemic": "ischemia",
    "abnormality": "abnormal",
    "abnormalities": "abnormal",
    "alteration": "change",
    "disorder": "disturbance",
    "delay": "disturbance",
    "defect": "disturbance",
    "amplitude": "voltage",
    "paced": "pacing",
    "anteriolateral": "anterolateral",
    "flattened": "flat",
    "flattening": "flat",
    "tachycardic": "tachycardia",
    "bradycardic": "bradycardia",
    "fibrillating": "fibrillation",
    "fluttering": "flutter",
    "quivering": "quiver",
    "grade": "degree",
    "grad": "degree",
    "grades": "degree",
    "auricular": "atrial",
    "subendocardium": "subendocardial",
    "aberrancy": "aberrant",
}
#: one word that stands for several
_SEVERAL = {
    "bbb": "bundle branch block",
    "mi": "myocardial infarction",
    "avb": "av block",
    "atrioventricular": "av",
    "auriculoventricular": "av",
    "lv": "left ventricular",
    "rv": "right ventricular",
    "extrasystole": "premature beat",
    "extrabeat": "premature beat",
    "stt": "st t",
    "qtc": "qt",
    "unspecific": "nonspecific",
    "leftward": "left",
    "rightward": "right",
}
_DEGREES = {
    "first": ("1", "1st", "i", "first", "one", "ersten", "erster"),
    "second": ("2", "2nd", "ii", "second", "two", "zweiten", "zweiter"),
    "third": ("3", "3rd", "iii", "third", "three", "dritten", "dritter"),
}
_DEGREE_OF = {form: word for word, forms in _DEGREES.items() for form in forms}
_BEFORE_DEGREE = frozenset({"block", "degree", "type", "typ", "mobitz"})
_AFTER_DEGREE = frozenset({"degree", "av", "block", "type"})
#: two words that are one, or two others
_PAIRS = {
    ("non", "specific"): ("nonspecific",),
    ("pre", "excitation"): ("preexcitation",),
    ("extra", "beat"): ("premature", "beat"),
    ("extra", "systole"): ("premature", "beat"),
    ("heart", "attack"): ("myocardial", "infarction"),
    ("infero", "lateral"): ("inferolateral",),
    ("antero", "lateral"): ("anterolateral",),
    ("antero", "septal"): ("anteroseptal",),
    ("infero", "posterior"): ("inferoposterior",),
    ("supra", "ventricular"): ("supraventricular",),
    ("intra", "ventricular"): ("intraventricular",),
    ("sub", "endocardial"): ("subendocardial",),
    ("a", "v"): ("av",),
    ("a", "fib"): ("afib",),
    ("a", "flutter"): ("aflutter",),
    ("v", "fib"): ("vfib",),
    ("v", "flutter"): ("vflutter",),
    ("v", "tach"): ("vtach",),
    ("a", "trial"): ("atrial",),
    ("atrio", "ventricular"): ("av",),
    ("hemi", "block"): ("hemiblock",),
}


@dataclass(frozen=True, slots=True)
class Word:
    """One word in its form, and where it stood in the text."""

    form: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Return the words of a text in one form, stop words included.

    Parameters
    ----------
    text
        Any text, English or German.

    Returns
    -------
    The words in their order; a word that stands for several gives several at one place.

    Notes
    -----
    Lower case; umlauts as two letters and ``ae`` as ``e``, so that British, American and German
    spellings meet; plurals lose their ending; first, 1st, I and 1 are one word beside a word that
    takes a degree; words of one meaning in names of statements (complex, contraction, beat) are one
    word.

    Examples
    --------
    >>> [w.form for w in words_of("Ischaemic ST/T changes; 1st-degree AV-block, PVCs")]
    ['ischemia', 'st', 't', 'change', 'first', 'degree', 'av', 'block', 'pvc']
    """
    raw = [Word(_spelled(m[0]), m.start(), m.end()) for m in _WORD.finditer(text)]
    paired: list[Word] = []
    for word in raw:
        before = paired[-1] if paired else None
        if before is not None and (before.form, word.form) in _PAIRS:
            paired.pop()
            forms = _PAIRS[before.form, word.form]
            paired += [Word(form, before.start, word.end) for form in forms]
            continue
        forms = tuple(_SEVERAL.get(word.form, word.form).split())
        paired += [Word(form, word.start, word.end) for form in forms]
    return [_degree(word, paired, k) for k, word in enumerate(paired)]


def _degree(word: Word, words: list[Word], k: int) -> Word:
    """Return a number as the word for a degree where a degree is meant."""
    if word.form not in _DEGREE_OF:
        return word
    before = words[k - 1].form if k else ""
    after = words[k + 1].form if k + 1 < len(words) else ""
    if before in _BEFORE_DEGREE or after in _AFTER_DEGREE:
        return Word(_DEGREE_OF[word.form], word.start, word.end)
    return word


@functools.lru_cache(maxsize=8192)
def _spelled(word: str) -> str:
    """Return one word in lower case, one spelling, singular, and of one meaning."""
    folded = word.lower().translate(_UMLAUTS)
    folded = unicodedata.normalize("NFKD", folded)
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    folded = folded.replace("ae", "e").replace("isation", "ization")
    adjective = _ADJECTIVE.match(folded)
    single = adjective[1] if adjective else _singular(folded)
    return _ONE_WORD.get(single, _ONE_WORD.get(folded, single))


def _singular(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def key_of(forms: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a name that tell it from others, in their order.

    Examples
    --------
    >>> key_of(("ischemia", "in", "anterior", "lead"))
    ('ischemia', 'anterior')
    """
    kept = tuple(form for form in forms if form not in STOP_WORDS)
    return kept or forms
