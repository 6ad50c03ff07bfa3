# SPDX-License-Identifier: Apache-2.0
"""Rate and distortion of every tokenizer on real recordings: two tables and a picture.

python benchmarks/tokens/rate_distortion.py --data ../shared/data [--full]

The second table tells what the bits of the amplitude are worth: symbols as they are, the code of
each lead's amplitude rounded to fewer steps between the least and the largest of the training
leads, down to none (their median).

PTB-XL at 100 Hz: fitted on folds 1 to 8, measured on fold 9. SAX gets at least as many symbols of
as large an alphabet as ABBA used; principal components get the bits of the residual quantiser.
Differences of such pairs are drawn with patients. One minute on one core, four with --full.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from pathlib import Path

import numpy as np
from recordings import mean_interval, measured, records_of

from precordia.tokens.gain import SCALE_BITS
from precordia.tokens.saved import load_tokenizer
from precordia.tokens.tokenizers import make_tokenizer

ROOT = Path(__file__).resolve().parents[2]
ABBA = ((0.1, 0.05), (0.3, 0.15), (0.5, 0.25))
LETTERS = (13, 52, 104)
LEVELS = ((5, 4), (6, 5, 4), (8, 8, 6, 5, 5), (9, 8, 8, 6, 5, 5))
SHAPES = (32, 1024)
WORD_BITS = 8
GAIN_BITS = (0, 1, 2, 3, 4, 5, 6, 8, SCALE_BITS)
FIGURES = (
    *("tokens_per_s", "bits_per_s", "entropy_bits_per_s", "prd_percent", "rmse_mv", "rpeak_ms"),
    *("n_rpeaks", "n_lost", "n_extra"),
)


def settings(train, seconds, *, full):
    """Give name, setting, fitted tokenizer and the setting that it is the control of."""
    rvq = load_tokenizer("rvq")
    for stages in range(1, rvq.stages + 1):
        yield "rvq", f"{stages} stages", rvq.with_stages(stages), ""
        pca = make_tokenizer("pca", bits=stages * WORD_BITS).fit(train)
        yield "pca", f"{stages * WORD_BITS} bits", pca, f"rvq: {stages} stages"
    for name in ("beats", "ecg-byte", "fsq"):
        yield name, "as it comes", load_tokenizer(name), ""
    for levels in LEVELS:
        yield "fsq", "x".join(map(str, levels)), make_tokenizer("fsq", levels=levels).fit(train), ""
    yield from abba_and_sax(load_tokenizer("abba"), "as it comes", train, seconds)
    if not full:
        return
    for letters in LETTERS:
        made = make_tokenizer("ecg-byte", letters=letters).fit(train)
        yield "ecg-byte", f"{letters} letters", made, ""
    for shapes in SHAPES:
        yield "beats", f"{shapes} shapes", make_tokenizer("beats", shapes=shapes).fit(train), ""
    for tolerance, alpha in ABBA:
        abba = make_tokenizer("abba", tolerance=tolerance, alpha=alpha).fit(train)
        told = f"tolerance {tolerance:g}, alpha {alpha:g}"
        yield from abba_and_sax(abba, told, train, seconds)


def abba_and_sax(abba, told, train, seconds):
    """Give ABBA, and SAX with at least as many symbols of as large an alphabet."""
    yield "abba", told, abba, ""
    said = np.mean([len(abba.encode(r)) / len(r.leads) for r in train[::40]])
    frame = max(1, int(seconds * abba.fs / said))
    sax = make_tokenizer("sax", frame=frame, letters=abba.n_symbols).fit(train)
    yield "sax", f"frame {frame}, {abba.n_symbols} letters", sax, f"abba: {told}"


def gains(train, test, patients):
    """Give what is lost where the amplitude of each lead has fewer bits."""
    for name in ("rvq", "abba", "ecg-byte"):
        tokenizer = load_tokenizer(name)
        usual = np.concatenate([tokenizer.encode(record).gain[:, 0] for record in train])
        said = [tokenizer.encode(record) for record in test]
        for bits in GAIN_BITS:
            lost = [
                tokenizer.distortion(record, tokenizer.decode(rounded(tokens, bits, usual)))
                for record, tokens in zip(test, said, strict=True)
            ]
            prd = np.array([each.prd_percent for each in lost])
            low, high = mean_interval(prd, patients)
            yield {
                "tokenizer": name,
                "gain_bits": bits,
                "prd_percent": f"{prd.mean():.4g}",
                "prd_low": f"{low:.4g}",
                "prd_high": f"{high:.4g}",
                "rmse_mv": f"{np.mean([each.rmse_mv for each in lost]):.4g}",
                "records": len(test),
                "patients": len(set(patients)),
            }


def rounded(tokens, bits, usual):
    """The same symbols with the amplitude in so many bits; as it is where it has them all."""
    if bits == SCALE_BITS:
        return tokens
    gain, (low, high), steps = tokens.gain.copy(), np.quantile(usual, [0, 1]), 2**bits
    if bits:
        share = (np.clip(gain[:, 0], low, high) - low) / (high - low)
        middle = (np.minimum(np.floor(share * steps), steps - 1) + 0.5) / steps
        gain[:, 0] = np.rint(low + middle * (high - low))
    else:
        gain[:, 0] = np.rint(np.median(usual))
    return dataclasses.replace(tokens, gain=gain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--full", action="store_true", help="settings beside those of the package")
    parser.add_argument("--records", type=int, default=10_000, help="of the test fold, at most")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "images")
    given = parser.parse_args()
    train, _ = records_of(given.data, range(1, 9))
    test, patients = (part[: given.records] for part in records_of(given.data, [9]))
    rows, held = [], {}
    for name, setting, tokenizer, against in settings(train, test[0].duration_s, full=given.full):
        found = held[f"{name}: {setting}"] = measured(tokenizer, test)
        low, high = mean_interval(found["prd_percent"], patients)
        row = {"tokenizer": name, "setting": setting, "symbols": tokenizer.n_symbols}
        row |= {key: f"{np.nanmean(found[key]):.4g}" for key in FIGURES}
        row |= {"prd_low": f"{low:.4g}", "prd_high": f"{high:.4g}", "control_of": against}
        row |= {"records": len(test), "patients": len(set(patients))}
        if against:
            gain = found["prd_percent"] - held[against]["prd_percent"]
            ends = mean_interval(gain, patients)
            row |= {"prd_above": f"{gain.mean():.4g}", "prd_above_low": f"{ends[0]:.4g}",
                    "prd_above_high": f"{ends[1]:.4g}"}  # fmt: skip
        rows.append(row)
        print(row, flush=True)
        write(rows, given.out / "tokens.csv")
    of_gain = list(gains(train, test, patients))
    write(of_gain, given.out / "tokens_gain.csv")
    from picture import draw

    draw(rows, of_gain, given.picture / "rate-distortion.svg")


def write(rows, path):
    """Write what there is so far."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
