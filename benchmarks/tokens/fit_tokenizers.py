# SPDX-License-Identifier: Apache-2.0
"""Fit the tokenizers that come with the package and write them beside their scores.

python benchmarks/tokens/fit_tokenizers.py --data ../shared/data --out src/precordia/tokens

Fitted on PTB-XL, folds 1 to 8, at 100 Hz; scored on fold 9. About five minutes on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from recordings import records_of, scores_of

from precordia.tokens.saved import write_shipped
from precordia.tokens.tokenizers import list_tokenizers, make_tokenizer

CARD = """\
name = "tokenizers-1"
task = "Codebooks of the tokenizers: what each symbol stands for"
data = ["PTB-XL: {n} records of folds 1 to 8 that were at hand, 100 Hz"]
licence = {{ weights = "Apache-2.0", data = "CC BY 4.0" }}
rebuild = "python benchmarks/tokens/fit_tokenizers.py --data ../shared/data --out {out}"

[input]
leads = "any, one by one"
fs = 100
unit = "mV"

[scores]
how = "{m} PTB-XL records of fold 9 at 100 Hz, {p} patients, none of whom was fitted on; \
bits are those of fixed codes, gain and lengths included; means over records, 95 % intervals by \
drawing patients"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    train, _ = records_of(given.data, range(1, 9))
    test, patients = records_of(given.data, [9])
    card = CARD.format(n=len(train), m=len(test), p=len(set(patients)), out=given.out)
    fitted = []
    for name in list_tokenizers():
        tokenizer = make_tokenizer(name).fit(train)
        row = scores_of(tokenizer, test, patients)
        print(name, row, flush=True)
        card += f'\n[scores."{name}"]\n' if "-" in name else f"\n[scores.{name}]\n"
        card += "".join(f"{key} = {_told(value)}\n" for key, value in row.items())
        fitted.append(tokenizer)
    write_shipped(fitted, given.out / "tokenizers.npz", overwrite=True)
    (given.out / "tokenizers.toml").write_text(card, encoding="utf-8")


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_told(v) for v in value) + "]"
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


if __name__ == "__main__":
    main()
