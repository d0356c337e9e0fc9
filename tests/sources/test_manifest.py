"""The manifest: ids, groups, the limit, and what may stand in it."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskmill.errors import SourceError
from maskmill.sources.manifest import (
    COLUMNS,
    check_manifest,
    describe_manifest,
    limit_samples,
    name_samples,
    read_manifest,
    write_manifest,
)
from maskmill.sources.pairing import Pair


def named(*all_fields, group=None):
    pairs = [Pair(Path(f"{n}.jpg"), Path(f"{n}.png"), fields, "") for n, fields in enumerate(all_fields)]
    return name_samples(pairs, group)


def build(rows):
    return pd.DataFrame([dict(zip(COLUMNS, row, strict=True)) for row in rows], columns=COLUMNS)


ROWS = [("a", "x/a, b.jpg", "a.png", "", "train", "NA", "0" * 64), ("b-1", "b.jpg", "b.png", "0 8 4 6", "", "007", "1" * 64)]


def test_ids_join_the_values_and_are_safe_names():
    samples = named({"tile": "Tile 1", "part": "image_part_001"}, {"split": "a/b", "name": "é.x"})
    assert samples["id"].tolist() == ["Tile_1-image_part_001", "a-b-_.x"]
    assert samples["group"].tolist() == samples["id"].tolist()


def test_values_that_would_give_one_id_get_another_each():
    samples = named({"a": "x-y", "b": "z"}, {"a": "x", "b": "y-z"}, {"a": "X", "b": "Y_z"}, {"a": "plain", "b": "1"})
    ids = samples["id"].tolist()
    assert len({name.casefold() for name in ids}) == 4
    assert "plain-1" in ids
    assert "X-Y_z" in ids


@given(
    st.lists(
        st.tuples(st.text(min_size=1), st.text(min_size=1)),
        min_size=1,
        unique_by=lambda pair: (pair[0].casefold(), pair[1].casefold()),
    )
)
def test_ids_are_unique_safe_and_independent_of_the_order(values):
    all_fields = [{"first": first, "second": second} for first, second in values]
    try:
        "".join(first + second for first, second in values).encode()
    except UnicodeEncodeError:
        return  # such names are refused before
    samples = named(*all_fields)
    samples = samples.assign(sha256="0", window="")
    check_manifest(samples[COLUMNS].astype(str))
    turned = named(*reversed(all_fields))
    assert samples["id"].tolist() == turned["id"].tolist()


def test_long_values_give_short_ids():
    samples = named({"name": "x" * 300}, {"name": "x" * 301})
    assert samples["id"].str.len().max() < 180
    assert samples["id"].is_unique


def test_groups():
    samples = named({"split": "train", "flight": "F 1"}, {"split": "val", "flight": "F 2"}, group="{split}/{flight}")
    assert samples["group"].tolist() == ["train/F 1", "val/F 2"]
    with pytest.raises(SourceError, match=r"source\.group"):
        named({"flight": "1"}, group="{flight")


def frame(**counts):
    rows = [(f"{split}{n:03}", split) for split, count in counts.items() for n in range(count)]
    return pd.DataFrame(rows, columns=["id", "split"]).sort_values("id", ignore_index=True)


def test_limit_is_even_and_in_proportion():
    samples = limit_samples(frame(train=8, val=4), 6)
    assert samples["id"].tolist() == ["train001", "train003", "train005", "train007", "val001", "val003"]


def test_limit_keeps_one_of_each_part():
    assert limit_samples(frame(train=100, val=1, test=1), 4)["split"].value_counts().to_dict() == {"train": 2, "val": 1, "test": 1}
    assert len(limit_samples(frame(train=10, val=10, test=10), 1)) == 3


@given(st.integers(1, 60), st.integers(0, 40), st.integers(0, 40), st.integers(1, 150))
def test_limit_for_all_sizes(train, val, test, limit):
    samples = frame(train=train, val=val, test=test)
    kept = limit_samples(samples, limit)
    num_parts = samples["split"].nunique()
    assert len(kept) == min(len(samples), max(limit, num_parts))
    assert kept["id"].is_unique
    assert set(kept["split"]) == set(samples["split"])
    for split, part in samples.groupby("split"):
        ideal = len(kept) * len(part) / len(samples)
        assert (kept["split"] == split).sum() <= max(1, ideal + 1)


def test_round_trip_keeps_text_as_text(tmp_path):
    write_manifest(build(ROWS), tmp_path / "raw" / "manifest.csv")
    read = read_manifest(tmp_path / "raw" / "manifest.csv")
    pd.testing.assert_frame_equal(read, build(ROWS), check_dtype=False)
    assert b"\r" not in (tmp_path / "raw" / "manifest.csv").read_bytes()


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(path=texts, group=texts)
def test_round_trip_of_any_text(tmp_path_factory, path, group):
    manifest = build([("a", path, path, "", "", group, "0" * 64)])
    file = tmp_path_factory.mktemp("manifest") / "manifest.csv"
    write_manifest(manifest, file)
    assert read_manifest(file).to_dict("records") == manifest.to_dict("records")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "id is empty"),
        ({"id": "A"}, "a: stands there 2 times"),
        ({"id": "../b"}, "no safe file name"),
        ({"id": ".b"}, "no safe file name"),
        ({"mask": ""}, "mask is empty"),
        ({"group": ""}, "group is empty"),
        ({"split": "dev"}, "split 'dev' is none of"),
    ],
)
def test_unfit_rows(change, said, tmp_path):
    manifest = build(ROWS)
    for column, value in change.items():
        manifest.loc[1, column] = value
    with pytest.raises(SourceError) as error:
        write_manifest(manifest, tmp_path / "manifest.csv")
    assert said in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_unfit_tables(tmp_path):
    with pytest.raises(SourceError, match="columns"):
        check_manifest(build(ROWS).drop(columns="group"))
    with pytest.raises(SourceError, match="no samples"):
        check_manifest(build(ROWS).head(0))
    with pytest.raises(SourceError, match="does not exist"):
        read_manifest(tmp_path / "manifest.csv")


def test_description():
    assert describe_manifest(build(ROWS), "index") == "2 samples, 2 groups, form index; parts: 1 train, 1 without one"
    drawn = describe_manifest(build(ROWS[1:]), "folders")
    assert drawn == "1 samples, 1 groups, form folders; no parts of its own, encode draws them"
