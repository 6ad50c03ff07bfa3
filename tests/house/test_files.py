# SPDX-License-Identifier: Apache-2.0
"""Rules that hold for every source file."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from precordia.core.cards import read_card
from precordia.models.published_card import read_published_card

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "src" / "precordia").rglob("*.py"))
IDS = [str(f.relative_to(ROOT / "src")) for f in FILES]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_file_is_short_licensed_and_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# SPDX-License-Identifier: Apache-2.0\n")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_file_is_named_after_its_idea(path):
    assert path.stem not in {"utils", "util", "helpers", "common", "misc", "base"}


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_public_functions_are_documented(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


CARDS = sorted((ROOT / "src" / "precordia").rglob("*.toml"))
# Tables of knowledge and of phrases are no cards; databases, architectures, published encoders and
# protocols have other contracts.
CARDS = [
    c
    for c in CARDS
    if "knowledge" not in c.parts
    and c.parent.name
    not in ("datasets", "models", "published", "protocols", "questions", "reporting")
    and c.stem not in ("mirage_questions", "plain_words")
]


@pytest.mark.parametrize("path", CARDS, ids=[c.stem for c in CARDS])
def test_a_card_names_data_licence_score_and_how_to_rebuild(path):
    card = read_card(path)
    assert card.licence["weights"]
    assert card.rebuild
    assert card.scores or not card.data


PUBLISHED = sorted((ROOT / "src" / "precordia" / "models" / "published").glob("*.toml"))


@pytest.mark.parametrize("path", PUBLISHED, ids=[c.stem for c in PUBLISHED])
def test_a_card_of_published_weights_says_whose_they_are_and_what_may_become_of_them(path):
    card = read_published_card(path)
    assert card.name == path.stem
    for told in (card.title, card.licence, card.training_data, card.weights.address):
        assert told, path.name
    assert card.paper.startswith(("arXiv:", "doi:", "https://"))
    assert card.code.startswith("https://")
    assert card.convertible or card.reason


def test_no_weights_without_a_card_and_all_together_are_small():
    files = [f for f in (ROOT / "src").rglob("*") if f.suffix in (".npz", ".onnx")]
    for weights in files:
        assert weights.with_suffix(".toml").exists(), weights.name
    assert sum(f.stat().st_size for f in files) < 15_000_000


def test_imports_point_down():
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed")
    run = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]
