# SPDX-License-Identifier: Apache-2.0
"""Cards of published encoders: complete, consistent, and refused where they are not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from precordia.core.errors import FormatError, UnknownNameError
from precordia.core.leads import canonical_lead
from precordia.models.architectures import ARCHITECTURES, model_card
from precordia.models.options import complete_options
from precordia.models.published_card import (
    PublishedCard,
    list_published,
    published_card,
    read_published_card,
)

PARITY = Path(os.environ.get("PRECORDIA_PARITY") or Path(__file__).parents[3] / "shared" / "parity")
every_card = pytest.mark.parametrize("name", list_published())


@every_card
def test_a_card_says_whose_weights_they_are_and_on_what_terms(name):
    card = published_card(name)
    assert card.name.count(".") == 1
    assert card.licence
    assert card.training_data
    assert card.paper
    for address in (card.code, card.weights.address):
        assert address.startswith("https://")
    assert card.convertible or card.reason


@every_card
def test_a_card_names_a_network_that_takes_its_options(name):
    card = published_card(name)
    if not card.convertible:
        return
    assert card.architecture in ARCHITECTURES
    complete_options(model_card(card.architecture), card.options)
    for fixture in card.fixtures.values():
        complete_options(model_card(card.architecture), {**card.options, **fixture.options})
    assert card.input.model == name
    assert not card.lead or canonical_lead(card.lead) == card.lead
    assert bool(card.lead) <= (card.input.leads == ("any",))


def test_no_two_cards_claim_a_fixture():
    named = [stem for name in list_published() for stem in published_card(name).fixtures]
    assert sorted(named) == sorted(set(named))


def test_networks_have_the_outputs_of_their_fixtures():
    if not PARITY.is_dir():
        pytest.skip(f"NO FIXTURES at {PARITY}: set PRECORDIA_PARITY to run this test")
    for name in list_published():
        for stem, fixture in published_card(name).fixtures.items():
            facts = json.loads((PARITY / f"{stem}.json").read_text())
            assert (fixture.kind in ("input", "sentence")) == ("state_dict" not in facts), stem


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'clef\.small'"):
        published_card("clef-small")


WHOLE = """
name = "a.b"
title = "t"
paper = "p"
code = "https://c"
licence = "MIT"
training_data = ["d"]
architecture = "net1d"
embedding = "e"
[weights]
address = "https://w"
[input]
leads = ["II"]
fs = 100
seconds = 1
steps = [{ step = "window" }]
[fixtures.f]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "a.b"', 'name = "a.c"', "its name is a.c"),
        ("licence", "license", "license"),
        ('licence = "MIT"\n', "", "licence"),
        ('architecture = "net1d"', 'architecture = ""', "architecture"),
        ('embedding = "e"', "convertible = false", "reason"),
        ('embedding = "e"', 'embedding = "e"\nclasses = ["A"]', "1 classes for 0 outputs"),
        ("[fixtures.f]", "[fixtures.f]\nstep = 1", "unknown entries step"),
        ("[fixtures.f]", '[fixtures.f]\nkind = "picture"', "picture"),
        ("fs = 100", "fs = -1", "fs"),
        ("[weights]", "[weights", "TOML|Expected"),
    ],
)
def test_a_card_that_is_not_as_it_should_be_is_refused(tmp_path, old, new, said):
    path = tmp_path / "a.b.toml"
    path.write_text(WHOLE)
    assert read_published_card(path).input.fs == 100
    assert old in WHOLE
    path.write_text(WHOLE.replace(old, new))
    with pytest.raises(FormatError, match=said):
        read_published_card(path)


def test_a_card_survives_json():
    for name in ("ecg-founder.12lead", "clef.small"):
        card = published_card(name)
        assert PublishedCard.from_json(card.to_json()) == card


def test_reading_all_cards_loads_no_framework():
    code = (
        "import sys\nfrom precordia.models.published_card import list_published, published_card\n"
        "[published_card(n) for n in list_published()]\nprint('torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
