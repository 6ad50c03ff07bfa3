# SPDX-License-Identifier: Apache-2.0
"""Regenerate what the documentation takes from the code: pictures, tables, output, gallery.

    python docs/build.py            write
    python docs/build.py --check    write nothing, name the pages that are out of date, leave with 1

A block between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->`` is replaced by what the
function ``NAME`` returns (see ``BLOCKS``). Text outside of the blocks is written by hand.
"""

from __future__ import annotations

import ast
import math
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from accuracy_tables import cards, goals, peers, reading_speed, rule_scores, speed, table
from augmentation_picture import augmentations, draw_augmentations

import precordia as pc

ROOT = Path(__file__).resolve().parents[1]
DOCS, PACKAGE, EXAMPLES = ROOT / "docs", ROOT / "src" / "precordia", ROOT / "examples"
BLOCK = re.compile(r"(<!-- begin: (\w+) -->\n)(.*?)(<!-- end: \2 -->)", re.DOTALL)
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "80", "PYTHONWARNINGS": "ignore"}


def code(text: str, language: str = "") -> str:
    """Fence a text."""
    return f"```{language}\n{text.rstrip()}\n```\n"


@cache
def output_of(*command: str) -> str:
    """Run a command of this environment in an empty folder that holds the toy record."""
    program = Path(sys.executable).with_name(command[0])
    with tempfile.TemporaryDirectory() as folder:
        for part in Path(pc.toy_record()).parent.glob("toy.*"):
            Path(folder, part.name).write_bytes(part.read_bytes())
        run = subprocess.run(
            [program, *command[1:]], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{run.stderr}")
    return run.stdout


# ---- README -------------------------------------------------------------------------------------


def examine_output() -> str:
    """Show what ``precordia examine`` prints."""
    return code("$ precordia examine toy.hea\n" + output_of("precordia", "examine", "toy.hea"))


def front_door_output() -> str:
    """Show what the Python block of README.md prints."""
    return code(output_of("python", "-c", python_block(ROOT / "README.md")))


def python_block(page: Path) -> str:
    """Return the first Python block of a page."""
    found = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise SystemExit(f"{page} has no Python block")
    return found[1]


def commands() -> str:
    """List every command with the first sentence of its help."""
    import typer

    from precordia.cli.main import command_line

    group: Any = typer.main.get_command(command_line())
    rows = []
    for name, command in group.commands.items():
        words = (command.help or "").split("\n\n")[0]
        rows.append((f"`precordia {name}`", " ".join(words.split())))
    return table(("command", "what it does"), rows)


def formats() -> str:
    """List the formats that are read or written, and name the others below."""
    from precordia.io.formats import FORMATS

    rows = [
        (f.title, ", ".join(f"`{s}`" for s in f.suffixes), "yes" if f.reader else "no",
         "yes" if f.writer else "no")
        for f in FORMATS if f.reader or f.writer
    ]  # fmt: skip
    known = ", ".join(f.title for f in FORMATS if not f.reader and f.name != "image")
    note = (
        "\nRecognised by content, and refused with advice on what to do instead: "
        f"{known}; and images of paper.\n"
    )
    return table(("format", "endings", "read", "written"), rows) + note


def models() -> str:
    """List the networks with their size and what a token is."""
    from precordia.models.architectures import list_models, model_card

    rows = [
        (f"`{card.name}`", card.title, f"{card.parameters / 1e6:.2f} M", str(card.dim), card.tokens)
        for card in map(model_card, list_models())
    ]
    return table(("name", "what it is", "parameters", "embedding", "tokens"), rows)


def objectives() -> str:
    """List the objectives of pretraining, what each does, and what it trains and needs."""
    from precordia.training.objective_table import OBJECTIVES

    takes = {"records": "", "neighbours": "two windows of a recording",
             "patients": "two recordings of a patient"}  # fmt: skip
    rows = [
        (f"`{name}`", f"{row.does} ({row.paper})", ", ".join(row.architectures) or "any",
         ", ".join(filter(None, (takes[row.grouping], *row.needs))))
        for name, row in OBJECTIVES.items()
    ]  # fmt: skip
    return table(("name", "what it does", "trains", "needs"), rows)


def published() -> str:
    """List published encoders: what they take, licence, data, and whether they may be used."""
    from precordia.models.published_card import list_published, published_card

    rows = []
    for card in map(published_card, list_published()):
        spec = card.input
        taken = f"{card.standing}: {card.reason}"
        if spec is not None:
            leads = "any one" if spec.leads == ("any",) else str(spec.n_leads)
            taken = f"{leads}, {spec.seconds:g} s at {spec.fs:g} Hz"
        data = ", ".join(card.training_data)
        compared = ", ".join(f"`{stem}`" for stem in card.fixtures) or "nothing"
        rows.append((f"`{card.name}`", f"`{card.architecture}`" if card.architecture else "none",
                     taken, card.licence, data, compared))  # fmt: skip
    return table(("name", "network", "leads, length, rate", "licence", "data", "fixtures"), rows)


def kept_by_writers() -> str:
    """Tell what comes back from each format that is written."""
    from kept_by_writers import ASPECTS, rows

    return table(("format", *ASPECTS), rows())


def catalogue_columns() -> str:
    """List the columns of a catalogue with what the row says of them."""
    import inspect

    from precordia.cataloguing.row import CatalogueRow

    text = inspect.getdoc(CatalogueRow) or ""
    listed = text.partition("Attributes\n----------\n")[2]
    rows = [
        (", ".join(f"`{name}`" for name in found[1].split(", ")), " ".join(found[2].split()))
        for found in re.finditer(r"^(\S.*)\n((?: {4}.*\n?)+)", listed, re.MULTILINE)
    ]
    return table(("column", "what it is"), rows)


# ---- vocabulary ---------------------------------------------------------------------------------


def fiducials() -> str:
    """Name the fiducials."""
    from precordia.core.fiducials import POSITIONS

    return ", ".join(f"`{p}`" for p in POSITIONS) + "\n"


def absences() -> str:
    """List the reasons for a number that is not there."""
    from precordia.core.measurements import Absence

    return table(("reason", "is printed as"), [(f"`{a.name}`", a.value) for a in Absence])


def quality_reasons() -> str:
    """List the reasons why a recording is hard to read."""
    from precordia.core.quality import QualityReason

    return table(("reason", "is printed as"), [(f"`{r.name}`", r.value) for r in QualityReason])


def measurements() -> str:
    """Name the measurements of a record and of a lead."""
    from precordia.core.measurements import LeadMeasurements, Measurements

    kept = ("leads", "beats", "median", "absent", "source")
    return "".join(
        f"Of {what}: " + ", ".join(f"`{f.name}`" for f in fields(kind) if f.name not in kept)
        + ".\n\n"
        for what, kind in (("the record", Measurements), ("a lead", LeadMeasurements))
    )  # fmt: skip


def statements() -> str:
    """List the statements that rules and models can make."""
    rows = [(f"`{s.code}`", s.name, s.group, s.snomed_ct or "–") for s in pc.list_statements()]
    return table(("code", "name", "group", "SNOMED CT"), rows)


def scenarios() -> str:
    """Name the scenarios of the simulator."""
    return ", ".join(f"`{name}`" for name in pc.list_scenarios()) + "\n"


# ---- architecture -------------------------------------------------------------------------------


def room_of(module: str) -> str:
    """Return the room (or the single file) of the package that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "precordia"


@cache
def imports() -> dict[str, tuple[str, ...]]:
    """Find what each room really imports, lazy imports inside functions too."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE).with_suffix("").parts
        here = inside[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                if name.startswith("precordia.") and room_of(name) != here:
                    found.setdefault(here, set()).add(room_of(name))
    order = [room for layer in reversed(layers()) for room in layer]
    return {k: tuple(sorted(v, key=order.index)) for k, v in found.items() if k in order}


@cache
def layers() -> list[list[str]]:
    """Return the layers of the import contract, highest first."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contract = next(c for c in tool["importlinter"]["contracts"] if c["type"] == "layers")
    return [re.split(r"\s*[|:]\s*", layer) for layer in contract["layers"] if layer != "__main__"]


def rooms() -> str:
    """List every room with its sentence and what it imports."""
    rows = []
    for layer in layers():
        for room in layer:
            path = PACKAGE / room / "__init__.py"
            text = path if path.exists() else PACKAGE / f"{room}.py"
            words = ast.get_docstring(ast.parse(text.read_text(encoding="utf-8"))) or ""
            used = ", ".join(imports().get(room, ())) or "nothing of the package"
            rows.append((f"`{room}`", words.split("\n\n")[0].replace("\n", " "), used))
    return table(("room", "what it is", "imports"), rows)


def draw_rooms() -> str:
    """Draw the layers, each room with its verb and with what it really imports."""
    verbs = {
        "io": "read, write", "quality": "assess", "delineation": "delineate, detect_rpeaks",
        "measurement": "measure", "classification": "classify", "plotting": "plot",
        "generation": "simulate", "pipeline": "examine", "benchmarking": "benchmark",
        "datasets": "load_dataset", "core": "the values: Record, Quality, Fiducials, Measurements, "
        "Findings, Study", "cli": "one command per verb", "batch": "many files",
        "reporting": "report page", "knowledge": "statements, criteria",
        "signal": "filters, resampling, leads", "embedding": "prepare",
        "cataloguing": "catalogue", "deidentification": "deidentify", "workers": "over_all",
        "tokens": "load_tokenizer",
    }  # fmt: skip
    wide, tall, gap, left = 960, 62, 12, 20
    parts, y = [], 50
    for number, layer in enumerate(layers()):
        width = (wide - 2 * left - gap * (len(layer) - 1)) / len(layer)
        for k, room in enumerate(layer):
            x = left + k * (width + gap)
            fill = "#e8f0f7" if number % 2 else "#f6f3ea"
            parts.append(
                f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="{tall}" rx="5" '
                f'fill="{fill}" stroke="#8a8a8a"/>'
            )
            used = imports().get(room, ())
            lowest = [r for r in used if r != "core"]
            shown = ", ".join(lowest) if lowest else ("core only" if used else "imports nothing")
            if len(lowest) > 5 and len(layer) > 1:
                shown = f"{len(used)} rooms below"
            words = [(room, 'font-weight="bold" font-size="15"'), (verbs.get(room, ""), ""),
                     (f"↓ {shown}", 'fill="#777"')]  # fmt: skip
            for line, (text, style) in enumerate(words):
                parts.append(
                    f'<text x="{x + width / 2:.0f}" y="{y + 19 + 18 * line}" {style} '
                    f'text-anchor="middle">{text}</text>'
                )
        y += tall + gap
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {y + 8}" width="{wide}" '
        f'height="{y + 8}" font-family="Helvetica,Arial,sans-serif" font-size="12" fill="#222">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        '<text x="20" y="30" font-size="14">Imports point down only. Grey: the rooms below that '
        "each one really imports, beside core.</text>"
    )
    return head + "\n" + "\n".join(parts) + "\n</svg>\n"


# ---- pictures and gallery -----------------------------------------------------------------------


def pictures() -> Iterator[tuple[Path, str]]:
    """Draw the pictures of the README and of the architecture."""
    record = pc.read(pc.toy_record())
    drawing = pc.plot(record, marks=pc.delineate(record), title="toy record (simulated)")
    yield DOCS / "images" / "toy.svg", drawing.svg
    yield DOCS / "images" / "rooms.svg", draw_rooms()
    yield DOCS / "images" / "augmentations.svg", draw_augmentations()


def gallery() -> Iterator[tuple[Path, str]]:
    """Run every example; its words, its output and its figure make the gallery."""
    parts = [
        "# Gallery\n\nGenerated by `docs/build.py` from the scripts in `examples/`; "
        "every one runs on simulated recordings.\n"
    ]
    for example in sorted(EXAMPLES.glob("*.py")):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(
                [sys.executable, example], cwd=folder, env=ENVIRONMENT, capture_output=True,
                text=True, check=True,
            )  # fmt: skip
            words = (ast.get_docstring(ast.parse(example.read_text("utf-8"))) or "").split("\n")[0]
            parts.append(f"## {words}\n\n[{example.name}](../examples/{example.name})\n")
            parts.append(code(run.stdout))
            for figure in sorted(Path(folder).glob("*.svg")):
                name = f"{example.stem[:2]}-{figure.name}"
                yield DOCS / "images" / name, figure.read_text(encoding="utf-8")
                parts.append(f"![{words}](images/{name})\n")
    yield DOCS / "gallery.md", "\n".join(parts)


#: what stands in a block of each name
def store_columns() -> str:
    """List the columns of a store."""
    from precordia.datasets.store_columns import COLUMNS

    return table(("column", ""), [(f"`{name}`", words) for name, (_, words) in COLUMNS.items()])


BLOCKS = {
    f.__name__: f
    for f in (
        *(examine_output, front_door_output, commands, formats, goals, peers, speed, rule_scores),
        *(cards, fiducials, absences, quality_reasons, measurements, statements, scenarios, rooms),
        *(catalogue_columns, kept_by_writers, reading_speed, models, published, augmentations),
        *(store_columns, objectives),
    )
}


def with_blocks(text: str) -> str:
    """Return a page with its generated blocks made again; one that cannot be made stays."""

    def made(found: re.Match[str]) -> str:
        new = BLOCKS[found[2]]()
        return found[0] if new is None else found[1] + new + found[4]

    return BLOCK.sub(made, text)


def pages() -> Iterator[tuple[Path, str]]:
    """Give the pages that hold generated blocks, made again."""
    for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if BLOCK.search(text):
            yield path, with_blocks(text)


def same(old: str, new: str) -> bool:
    """Tell whether two texts agree; numbers may differ by 2 % (other machines round otherwise)."""
    figure = re.compile(r"\d+(?:\.\d+)?")
    if figure.sub("#", old) != figure.sub("#", new):
        return False
    pairs = zip(figure.findall(old), figure.findall(new), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=0.02) for a, b in pairs)


def main() -> None:
    """Write everything, or check the pages."""
    checking = "--check" in sys.argv[1:]
    stale = []
    for made in (pages(),) if checking else (pictures(), gallery(), pages()):
        for path, text in made:
            old = path.read_text(encoding="utf-8") if path.exists() else ""
            if checking and not same(old, text):
                stale.append(str(path.relative_to(ROOT)))
            elif not checking and old != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                print(f"wrote {path.relative_to(ROOT)}")
    if stale:
        raise SystemExit(f"out of date: {', '.join(stale)}. Run: make docs")


if __name__ == "__main__":
    main()
