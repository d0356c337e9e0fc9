"""Patterns: what they match, what they refuse, and that they read back what names were made of."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskmill.errors import SourceError
from maskmill.sources.patterns import PICTURE_SUFFIXES, build_key, compile_pattern, read_own_split

MATCHES = [
    ("{split}/{flight}_{scene}.jpg", "train/f3_07.jpg", {"split": "train", "flight": "f3", "scene": "07"}),
    ("{split}/{flight}_{scene}.jpg", "Train/F3_07.JPG", {"split": "Train", "flight": "F3", "scene": "07"}),
    ("{flight}_{scene}.jpg", "a_b_07.jpg", {"flight": "a_b", "scene": "07"}),  # as far as it can
    ("**/{tile}/images/{name}.*", "Tile 1/images/p.jpg", {"tile": "Tile 1", "name": "p"}),
    ("**/{tile}/images/{name}.*", "a/b/Tile 1/IMAGES/p.TIFF", {"tile": "Tile 1", "name": "p"}),
    ("{name}.*", "a.b.png", {"name": "a.b"}),
    ("*/{name}-*.png", "x/p-mask v2.png", {"name": "p"}),
    ("{name}/images/{name}.png", "7/images/7.png", {"name": "7"}),
    ("**/{name}.png", "p.png", {"name": "p"}),
    ("{name}.png", "cafe\u0301.png", {"name": "caf\u00e9"}),  # decomposed, as macOS packs it
    ("a+b(1)/{name}.jpg", "a+b(1)/p.jpg", {"name": "p"}),
]
MISSES = [
    ("{split}/{flight}_{scene}.jpg", "train/f3.jpg"),
    ("{split}/{flight}_{scene}.jpg", "deep/train/f3_07.jpg"),
    ("{split}/{name}.jpg", "train/more/p.jpg"),  # a field stays within one component
    ("*/{name}.jpg", "p.jpg"),
    ("{name}.*", "p.txt"),
    ("{name}.*", "p.jpg.bak"),
    ("{name}.jpg", "p.jpeg"),
    ("{name}.jpg", "pxjpg"),
    ("{name}/images/{name}.png", "7/images/8.png"),
    ("{name}_mask.png", "_mask.png"),  # a field is never empty
]


@pytest.mark.parametrize(("text", "path", "fields"), MATCHES)
def test_matches(text, path, fields):
    assert compile_pattern(text, "source.images").match(path) == fields


@pytest.mark.parametrize(("text", "path"), MISSES)
def test_misses(text, path):
    assert compile_pattern(text, "source.images").match(path) is None


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_any_picture_suffix(suffix):
    pattern = compile_pattern("{name}.*", "source.images")
    assert pattern.match(f"p{suffix}") == pattern.match(f"p{suffix.upper()}") == {"name": "p"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/data/{name}.jpg", "relative"),
        ("../{name}.jpg", "relative"),
        ("images\\{name}.jpg", "relative"),
        ("images//{name}.jpg", "relative"),
        ("images/**", "ends with folders"),
        ("a**/{name}.jpg", "beside other text"),
        ("images/*.jpg", "no {field}"),
        ("{}.jpg", "{} is no field"),
        ("{na me}.jpg", "{na me} is no field"),
        ("{name.jpg", "{ is no field"),
        ("name}.jpg", "} is no field"),
    ],
)
def test_unusable_patterns_say_why(text, reason):
    with pytest.raises(SourceError, match=re.escape(reason)) as error:
        compile_pattern(text, "source.masks")
    assert f"source.masks {text!r}" in error.value.what


words = st.text(st.characters(categories=["L", "N"], include_characters=" .()[]+-"), min_size=1, max_size=8)


@given(st.lists(words, min_size=3, max_size=3), st.lists(words, max_size=3))
def test_reads_back_what_a_path_was_made_of(values, folders):
    pattern = compile_pattern("**/{first}/sub/{second}_{third}.*", "source.images")
    first, second, third = (unicodedata.normalize("NFC", value) for value in values)
    found = pattern.match("/".join([*folders, first, "SUB", f"{second}_{third}.PNG"]))
    assert found == {"first": first, "second": second, "third": third}


@given(words)
def test_literal_text_stands_for_itself(text):
    pattern = compile_pattern(f"{text}x{{name}}.png", "source.images")
    assert pattern.match(f"{text}xp.png") == {"name": "p"}
    assert pattern.match(f"{text}yp.png") is None


def test_key_takes_letter_case_and_order_away():
    assert build_key({"tile": "A", "name": "Straße"}) == build_key({"name": "STRASSE", "tile": "a"})


@pytest.mark.parametrize(
    ("value", "split"),
    [
        ("Train", "train"),
        ("TRAINING", "train"),
        ("val", "val"),
        ("Valid", "val"),
        ("validation", "val"),
        ("testing", "test"),
        ("x", ""),
    ],
)
def test_own_split(value, split):
    assert read_own_split({"split": value}) == split


def test_no_split_field():
    assert read_own_split({"name": "train"}) == ""
