# SPDX-License-Identifier: Apache-2.0
"""References as bibliographies have them: first author, journal, year, volume, first page."""

import re
import tomllib
from importlib.resources import files

FOLDER = files("precordia.knowledge")
TABLES = {
    name: tomllib.loads(FOLDER.joinpath(f"{name}.toml").read_text("utf-8"))
    for name in ("references", "lexicon", "criteria", "exclusions", "definitions", "co_occurrence")
}
KEYS = TABLES["references"]

PUBLISHED = {
    "aha1": ("Kligfield", "Circulation 2007;115:1306", "10.1161/CIRCULATIONAHA.106.180200"),
    "aha2": ("Mason", "Circulation 2007;115:1325", "10.1161/CIRCULATIONAHA.106.180201"),
    "aha3": ("Surawicz", "Circulation 2009;119:e235", "10.1161/CIRCULATIONAHA.108.191095"),
    "aha4": ("Rautaharju", "Circulation 2009;119:e241", "10.1161/CIRCULATIONAHA.108.191096"),
    "aha5": ("Hancock", "Circulation 2009;119:e251", "10.1161/CIRCULATIONAHA.108.191097"),
    "aha6": ("Wagner", "Circulation 2009;119:e262", "10.1161/CIRCULATIONAHA.108.191098"),
    "udmi4": ("Thygesen", "J Am Coll Cardiol 2018;72:2231", "10.1016/j.jacc.2018.08.1038"),
    "minnesota": ("Prineas", "Springer 2010", "10.1007/978-1-84882-778-3"),
    "brady": ("Kusumoto", "Circulation 2019;140:e382", "10.1161/CIR.0000000000000628"),
    "af": ("Hindricks", "Eur Heart J 2021;42:373", "10.1093/eurheartj/ehaa612"),
    "svt": ("Brugada", "Eur Heart J 2020;41:655", "10.1093/eurheartj/ehz467"),
    "sokolow": ("Sokolow", "Am Heart J 1949;37:161", "10.1016/0002-8703(49)90562-1"),
    "cornell": ("Casale", "Circulation 1987;75:565", "10.1161/01.CIR.75.3.565"),
    "erp": ("Macfarlane", "J Am Coll Cardiol 2015;66:470", "10.1016/j.jacc.2015.05.033"),
    "sqt": ("Gollob", "J Am Coll Cardiol 2011;57:802", "10.1016/j.jacc.2010.09.048"),
    "bogossian": ("Bogossian", "Heart Rhythm 2014;11:2273", "10.1016/j.hrthm.2014.08.026"),
    "va": ("Al-Khatib", "Circulation 2018;138:e272", "10.1161/CIR.0000000000000549"),
    "pacing": ("Glikson", "Eur Heart J 2021;42:3427", "10.1093/eurheartj/ehab364"),
    "jwave": ("Antzelevitch", "Heart Rhythm 2016;13:e295", "10.1016/j.hrthm.2016.05.024"),
    "fqrs": ("Das", "Circulation 2006;113:2495", "10.1161/CIRCULATIONAHA.105.595892"),
    "ptbxl": ("Wagner", "Sci Data 2020;7:154", "10.1038/s41597-020-0495-6"),
    "cinc2021": ("Reyna", "Comput Cardiol 2021;48", "10.23919/CinC53138.2021.9662687"),
}


def test_every_reference_is_as_published():
    assert set(KEYS) == set(PUBLISHED)
    for key, (author, where, doi) in PUBLISHED.items():
        assert KEYS[key].startswith(author), key
        assert where in KEYS[key], key
        assert KEYS[key].endswith(f"doi:{doi}"), key


def test_no_other_doi_stands_in_the_tables():
    known = {doi for _, _, doi in PUBLISHED.values()}
    for name in TABLES:
        text = FOLDER.joinpath(f"{name}.toml").read_text("utf-8")
        assert set(re.findall(r'doi:([^\s"]+)', text)) <= known, name


def test_every_key_that_is_cited_exists_and_every_one_is_cited():
    cited = {key for row in TABLES["lexicon"]["entry"] for key in row["references"]}
    cited |= {row["reference"] for row in TABLES["exclusions"]["exclusive"]}
    cited |= {row["reference"] for row in TABLES["criteria"]["criterion"]}
    cited |= {row["reference"] for row in TABLES["definitions"]["definition"]}
    assert cited == set(KEYS)
