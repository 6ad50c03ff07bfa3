# SPDX-License-Identifier: Apache-2.0
"""Numbers written as words: "eighty", "one hundred and sixty-six", "fünfundsiebzig"."""

from __future__ import annotations

import re

_UNITS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn "
    "fünfzehn sechzehn siebzehn achtzehn neunzehn",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
}
_SMALL = {
    language: {word: float(n) for n, word in enumerate(words.split())}
    | {word: 10.0 * n for n, word in enumerate(_TENS[language].split(), start=2)}
    for language, words in _UNITS.items()
}
_SMALL["de"] |= {"ein": 1.0, "eine": 1.0, "einer": 1.0, "dreissig": 30.0, "zwo": 2.0}
_LARGE = {"en": {"hundred": 100.0, "thousand": 1000.0}, "de": {"hundert": 100.0, "tausend": 1000.0}}
#: articles in German, numbers only within others
_ALONE_NO_NUMBER = frozenset({"ein", "eine", "einer"})
_POINT = {"en": "point", "de": "komma"}
_MINUS = {"en": ("minus", "negative"), "de": ("minus",)}
_WORD = re.compile(r"[^\W\d_]+")
_GAP = re.compile(r"[\s-]+")


def spelled_number(text: str, start: int, language: str = "en") -> tuple[float, int, int] | None:
    """Read a number in words that begins at a place of a text.

    Parameters
    ----------
    text
        In lower case.
    start
        Where it should begin.
    language
        ``"en"`` or ``"de"``.

    Returns
    -------
    The number, its decimals, and where it ends; None where no number begins there.

    Examples
    --------
    >>> spelled_number("one hundred and sixty-six ms", 0)
    (166.0, 0, 25)
    >>> spelled_number("einhundertfünfundsiebzig ms", 0, "de")
    (175.0, 0, 24)
    >>> spelled_number("zero point one two", 0)
    (0.12, 2, 18)
    """
    words = _words_from(text, start)
    if not words:
        return None
    sign, first = 1.0, 0
    if words[0][0] in _MINUS[language]:
        sign, first = -1.0, 1
    total, group, used, spelled = 0.0, 0.0, first, False
    last = -1.0
    while used < len(words):
        word = words[used][0]
        value = _SMALL[language].get(word)
        if value is None and language == "de":
            value = _german(word)
        if value is not None:
            if spelled and last >= 0 and not _fits(last, value):
                break
            group, last, spelled = group + value, value, True
        elif word in _LARGE[language] and spelled:
            group, last = max(group, 1.0) * _LARGE[language][word], -1.0
            if _LARGE[language][word] == 1000.0:
                total, group = total + group, 0.0
        elif word == "and" and spelled and last < 0 and _goes_on(words, used, language):
            pass
        else:
            break
        used += 1
    if not spelled or (used == first + 1 and words[first][0] in _ALONE_NO_NUMBER):
        return None
    value, decimals = total + group, 0
    if used < len(words) and words[used][0] == _POINT[language]:
        digits = []
        for word, _ in words[used + 1 :]:
            digit = _SMALL[language].get(word)
            if digit is None or digit > 9:
                break
            digits.append(str(int(digit)))
        if digits:
            value, decimals = float(f"{value:.0f}.{''.join(digits)}"), len(digits)
            used += 1 + decimals
    return sign * value, decimals, words[used - 1][1]


def _words_from(text: str, start: int) -> list[tuple[str, int]]:
    """Return words that follow each other with nothing but spaces and hyphens between."""
    found: list[tuple[str, int]] = []
    place = start
    while (match := _WORD.match(text, place)) is not None and len(found) < 12:
        found.append((match[0], match.end()))
        gap = _GAP.match(text, match.end())
        if gap is None:
            break
        place = gap.end()
    return found


def _fits(last: float, value: float) -> bool:
    return last >= 20 and last % 10 == 0 and value < 10


def _goes_on(words: list[tuple[str, int]], used: int, language: str) -> bool:
    return used + 1 < len(words) and words[used + 1][0] in _SMALL[language]


def _german(word: str) -> float | None:
    """Read a German number that is written as one word."""
    small, large = _SMALL["de"], _LARGE["de"]
    for name, size in sorted(large.items(), key=lambda pair: -pair[1]):
        before, sign, after = word.partition(name)
        if sign:
            many = 1.0 if not before else small.get(before, _german(before))
            rest = 0.0 if not after else small.get(after, _german(after))
            return None if many is None or rest is None else many * size + rest
    unit, sign, ten = word.partition("und")
    if sign and unit in small and small[unit] < 10 and ten in _TENS["de"].split():
        return small[unit] + small[ten]
    return None
