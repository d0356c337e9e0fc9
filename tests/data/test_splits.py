"""Splits: the source's own parts, or drawn by whole groups, as near to the fraction as groups allow."""

from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskmill.data import splits
from maskmill.errors import DataError


def build(*groups):
    """Build a manifest from (split, group, number of samples)."""
    rows = [(f"{split}{group}-{n}", split, group) for split, group, count in groups for n in range(count)]
    return pd.DataFrame(rows, columns=["id", "split", "group"])


def assign_splits(manifest, presence=None, *, by="source", seed=0, val=0.15, test=0.2, folds=None, fold=0):
    return splits.assign_splits(manifest, presence, by=by, seed=seed, val=val, test=test, folds=folds, fold=fold)


def count(manifest):
    return manifest["split"].value_counts().to_dict()


def groups_of(manifest, split):
    return set(manifest.loc[manifest["split"] == split, "group"])


def test_the_source_s_own_parts_stay():
    manifest = build(("train", "a", 3), ("val", "a", 2), ("test", "b", 1), ("", "c", 2))
    result = assign_splits(manifest, seed=0, val=0.3, test=0.3)
    assert result["split"].tolist() == ["train"] * 3 + ["val"] * 2 + ["test"] + ["train"] * 2
    assert manifest["split"].tolist()[-1] == ""  # the input is left alone


def test_single_samples_are_drawn_exactly():
    result = assign_splits(build(*(("", str(n), 1) for n in range(100))), seed=3, val=0.15, test=0.2)
    assert count(result) == {"train": 65, "test": 20, "val": 15}


def test_camvid_s_shape():
    # 0.2 x 367 = 73.4: of the free sequences 62 is nearer than 101; 0016E5 is in val and is not drawn.
    manifest = build(("train", "0001TP", 62), ("train", "0006R0", 101), ("train", "0016E5", 204), ("val", "0016E5", 101))
    for seed in range(5):
        result = assign_splits(manifest, seed=seed, val=0.15, test=0.2)
        assert count(result) == {"train": 305, "val": 101, "test": 62}
        assert groups_of(result, "test") == {"0001TP"}


def test_missing_val_is_drawn_from_train_and_not_from_test():
    manifest = build(("train", "a", 5), ("train", "b", 5), ("train", "c", 10), ("test", "t", 50))
    result = assign_splits(manifest, seed=0, val=0.5, test=0.2)
    assert count(result) == {"train": 10, "val": 10, "test": 50}  # half of train's 20, not of all 70


def test_whole_groups_come_as_near_as_can_be():
    # Of 7 + 5 + 4 + 20 = 36 a quarter is 9: 5 + 4 alone gives it.
    manifest = build(("", "a", 7), ("", "b", 5), ("", "c", 4), ("", "d", 20))
    for seed in range(5):
        assert groups_of(assign_splits(manifest, seed=seed, val=0, test=0.25), "test") == {"b", "c"}


def test_each_part_gets_a_group_where_sizes_are_uneven():
    manifest = build(("", "big", 100), ("", "x", 1), ("", "y", 1))
    result = assign_splits(manifest, seed=0, val=0.15, test=0.2)
    assert count(result) == {"train": 100, "test": 1, "val": 1}
    assert count(assign_splits(build(("", "a", 2), ("", "b", 2), ("", "c", 2)), seed=0, val=0.4, test=0.5)) == {
        "train": 2,
        "val": 2,
        "test": 2,
    }


def test_a_fraction_of_zero_draws_nothing():
    result = assign_splits(build(("", "a", 4), ("", "b", 4)), seed=0, val=0.5, test=0.0)
    assert count(result) == {"train": 4, "val": 4}


def test_seed_decides_and_the_other_fraction_does_not():
    manifest = build(*(("", f"g{n}", 3) for n in range(20)))
    tests = [groups_of(assign_splits(manifest, seed=seed, val=0.1, test=0.2), "test") for seed in range(6)]
    assert len({frozenset(groups) for groups in tests}) > 1
    assert groups_of(assign_splits(manifest, seed=0, val=0.3, test=0.2), "test") == tests[0]


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (build(("", "only", 30)), "no test part can be drawn: the samples form 1 group, 1 of which is free"),
        (build(("", "a", 30), ("", "b", 3)), "the samples form 2 groups"),
        (build(("train", "a", 30), ("val", "a", 3)), "no test part"),
        (build(("train", "a", 30), ("test", "b", 3)), "no val part"),
    ],
)
def test_too_few_groups_say_how_to_go_on(manifest, said):
    with pytest.raises(DataError, match=said) as error:
        assign_splits(manifest, seed=0, val=0.2, test=0.2)
    assert "source.group" in error.value.fix
    assert "null" in error.value.fix


def test_no_training_samples():
    with pytest.raises(DataError, match="no training samples"):
        assign_splits(build(("val", "a", 3), ("test", "b", 3)), seed=0, val=0.2, test=0.2)


manifests = st.lists(
    st.tuples(st.sampled_from(["", "", "train", "val", "test"]), st.sampled_from("abcdefgh"), st.integers(1, 9)),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row[:2],
)
fractions = st.floats(0.01, 0.45)


@settings(deadline=None)
@given(manifests, st.integers(0, 3), fractions, fractions, st.randoms())
def test_what_always_holds(groups, seed, val, test, random):
    manifest = build(*groups)
    try:
        result = assign_splits(manifest, seed=seed, val=val, test=test)
    except DataError:
        free = groups_of(manifest, "train") | groups_of(manifest, "")
        free -= groups_of(manifest, "val") | groups_of(manifest, "test")
        assert len(free) < 3
        return
    assert set(result["split"]) == {"train", "val", "test"}
    own = manifest["split"].isin(["val", "test"])
    assert (result.loc[own, "split"] == manifest.loc[own, "split"]).all()
    for part in {"val", "test"} - set(manifest["split"]):
        others = set(result.loc[result["split"] != part, "group"])
        assert groups_of(result, part).isdisjoint(others)
    shuffled = manifest.sample(frac=1, random_state=random.randrange(2**32))
    again = assign_splits(shuffled, seed=seed, val=val, test=test)
    assert again["split"].sort_index().tolist() == result["split"].tolist()


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=7), st.integers(0, 3), fractions)
def test_drawn_size_is_the_nearest_of_all_choices(sizes, seed, test):
    manifest = build(*(("", f"g{n}", size) for n, size in enumerate(sizes)))
    drawn = count(assign_splits(manifest, seed=seed, val=0, test=test))["test"]
    target = round(test * sum(sizes))
    possible = {sum(choice) for k in range(1, len(sizes)) for choice in combinations(sizes, k)}
    assert abs(drawn - target) == min(abs(total - target) for total in possible)
