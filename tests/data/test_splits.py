"""Splits: the source's own parts, or parts and folds drawn by whole groups, near to the fraction, alike in their classes."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
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


@given(st.lists(st.integers(1, 30), min_size=2, max_size=7), st.integers(0, 3), fractions)
def test_drawn_size_is_the_nearest_of_all_choices(sizes, seed, test):
    manifest = build(*(("", f"g{n}", size) for n, size in enumerate(sizes)))
    drawn = count(assign_splits(manifest, seed=seed, val=0, test=test))["test"]
    target = round(test * sum(sizes))
    possible = {sum(choice) for k in range(1, len(sizes)) for choice in combinations(sizes, k)}
    assert abs(drawn - target) == min(abs(total - target) for total in possible)


def test_by_ratio_the_source_s_parts_are_ignored():
    manifest = build(("train", "a", 4), ("val", "b", 4), ("test", "c", 4), ("val", "d", 4), ("", "e", 4))
    undivided = manifest.assign(split="")
    for seed in range(5):
        result = assign_splits(manifest, by="ratio", seed=seed, val=0.2, test=0.4)
        assert count(result) == {"train": 8, "val": 4, "test": 8}
        assert result["split"].tolist() == assign_splits(undivided, seed=seed, val=0.2, test=0.4)["split"].tolist()


def test_by_ratio_the_source_needs_no_training_samples():
    assert count(assign_splits(build(("test", "a", 3), ("test", "b", 3)), by="ratio", val=0.5, test=0)) == {"train": 3, "val": 3}


def draw_presence(manifest, **groups_with):
    """Say that the samples of some groups have a class."""
    ids = manifest["id"].tolist()
    return pd.DataFrame({name: manifest["group"].isin(list(groups)).tolist() for name, groups in groups_with.items()}, index=ids)


def test_a_draw_of_the_right_size_takes_the_classes_in_proportion():
    # Every group is a quarter of the set; woods fill a and b, water fills b and c, so a with c, or b with d, are half of each.
    manifest = build(*(("", name, 3) for name in "abcd"))
    presence = draw_presence(manifest, woods="ab", water="bc")
    for seed in range(5):
        drawn = groups_of(assign_splits(manifest, presence, seed=seed, val=0.5, test=0), "val")
        assert drawn in ({"a", "c"}, {"b", "d"})


def test_single_pictures_come_to_be_as_frequent_in_every_part():
    generator = np.random.default_rng(0)
    manifest = build(*(("", f"{number:03}", 1) for number in range(400)))
    presence = pd.DataFrame(generator.random((400, 4)) < [0.02, 0.1, 0.5, 0.9], index=manifest["id"], columns=list("abcd"))
    result = assign_splits(manifest, presence, val=0.15, test=0.2)
    assert count(result) == {"train": 260, "val": 60, "test": 80}
    for part in ("train", "val", "test"):
        found = presence.to_numpy()[result["split"] == part]
        expected = len(found) * presence.mean().to_numpy()
        assert np.abs(found.sum(axis=0) - expected).max() <= 1  # of 60 to 260 pictures


def test_a_class_in_too_few_groups_goes_to_training_then_to_test():
    manifest = build(*(("", f"g{number:02}", 2) for number in range(20)))
    presence = draw_presence(manifest, alone=["g03"], twice=["g05", "g11"])
    for seed in range(5):
        result = assign_splits(manifest, presence, seed=seed)
        found = {part: presence.to_numpy()[result["split"] == part].any(axis=0).tolist() for part in ("train", "test", "val")}
        assert found == {"train": [True, True], "test": [False, True], "val": [False, False]}


def test_what_trains_anyway_leaves_a_class_to_the_drawn_parts():
    # big also occurs in val, so it trains whatever is drawn, and the one group of water can be the test part's.
    manifest = build(("train", "big", 6), ("val", "big", 3), *(("train", name, 2) for name in "abc"))
    presence = draw_presence(manifest, water=["big", "b"])
    for seed in range(5):
        assert groups_of(assign_splits(manifest, presence, seed=seed, test=0.2), "test") == {"b"}


@given(
    st.lists(st.integers(1, 9), min_size=3, max_size=20), st.data(), st.integers(0, 3), fractions, st.sampled_from([0.0, 0.2, 0.4])
)
def test_a_rare_class_comes_to_be_in_every_part(sizes, data, seed, test, val):
    num_parts = 2 + (val > 0)
    manifest = build(*(("", f"g{number:02}", size) for number, size in enumerate(sizes)))
    names = sorted(set(manifest["group"]))
    having = data.draw(st.lists(st.sampled_from(names), min_size=num_parts, unique=True))
    presence = draw_presence(manifest, rare=having)
    result = assign_splits(manifest, presence, seed=seed, val=val, test=test)
    assert result["split"].nunique() == num_parts
    assert all(groups_of(result, part) & set(having) for part in set(result["split"]))


@given(st.lists(st.integers(1, 6), min_size=2, max_size=7), st.lists(st.integers(1, 126), min_size=1, max_size=3), fractions)
def test_no_choice_is_better_where_groups_are_few(sizes, classes, test):
    """Each class is a bit pattern of the groups that have it; the rules are written again here, choice by choice."""
    names = [f"g{number}" for number in range(len(sizes))]
    having = [{name for bit, name in enumerate(names) if bits >> bit & 1} for bits in classes]
    manifest = build(*(("", name, size) for name, size in zip(names, sizes, strict=True)))
    presence = draw_presence(manifest, **{f"c{number}": groups for number, groups in enumerate(having)})
    size_of = dict(zip(names, sizes, strict=True))

    def rate(choice):
        size = sum(size_of[name] for name in choice)
        absent = excess = balance = 0.0
        for groups in having:
            num_here, num_left = len(groups & choice), len(groups - choice)
            absent += (len(groups) > 1 and not num_here) + (bool(groups) and not num_left)
            expected = size * sum(size_of[name] for name in groups) / sum(sizes)
            balance += (sum(size_of[name] for name in groups & choice) - expected) ** 2 / expected if groups else 0
        excess = max(0, abs(size - round(test * sum(sizes))) - sum(sizes) / len(sizes) / 2)
        return absent, excess, balance

    best = min(rate(set(choice)) for number in range(1, len(names)) for choice in combinations(names, number))
    drawn = rate(groups_of(assign_splits(manifest, presence, val=0, test=test), "test"))
    assert drawn == pytest.approx(best, abs=0.011)  # chi-squared counts in hundredths


def test_the_search_among_many_groups_finds_a_choice_with_every_class(monkeypatch):
    generator = np.random.default_rng(1)
    manifest = build(*(("", f"g{number:02}", int(size)) for number, size in enumerate(generator.integers(1, 9, 12))))
    names = sorted(set(manifest["group"]))
    presence = draw_presence(manifest, **{f"c{k}": generator.choice(names, 4, replace=False).tolist() for k in range(4)})
    compared = assign_splits(manifest, presence, val=0.2, test=0.2)
    monkeypatch.setattr("maskmill.data.stratification.MAX_COMPARED", 0)
    searched = assign_splits(manifest, presence, val=0.2, test=0.2)
    for result in (compared, searched):
        for part in ("train", "val", "test"):
            assert presence.to_numpy()[result["split"] == part].any(axis=0).all()


def test_the_order_of_rows_and_of_presence_plays_no_part():
    manifest = build(*(("", f"g{number:02}", number % 4 + 1) for number in range(30)))
    presence = draw_presence(manifest, woods=["g01", "g07", "g20"], water=[f"g{number:02}" for number in range(0, 30, 3)])
    result = assign_splits(manifest, presence, seed=3)
    again = assign_splits(manifest.sample(frac=1, random_state=1), presence.sample(frac=1, random_state=2), seed=3)
    assert again["split"].sort_index().tolist() == result["split"].tolist()


def assign_folds(manifest, presence=None, *, folds, **settings):
    return [assign_splits(manifest, presence, folds=folds, fold=fold, **settings) for fold in range(folds)]


def test_each_fold_validates_once_and_the_test_part_stays():
    manifest = build(*(("", f"g{number}", 2) for number in range(12)))
    results = assign_folds(manifest, folds=5, test=0.2, val=0.9)  # 2 of 12 groups test; val plays no part
    tests = {frozenset(groups_of(result, "test")) for result in results}
    assert [len(groups) for groups in tests] == [2]
    assert [count(result) for result in results] == [{"train": 16, "val": 4, "test": 4}] * 5
    validated = [group for result in results for group in groups_of(result, "val")]
    assert sorted(validated) == sorted(set(manifest["group"]) - next(iter(tests)))


def test_a_val_part_of_the_source_joins_the_folds_and_its_test_part_stays():
    manifest = build(("train", "a", 4), ("train", "b", 4), ("val", "c", 4), ("test", "d", 2), ("train", "d", 4))
    for result in assign_folds(manifest, folds=4):
        assert count(result) == {"train": 12, "val": 4, "test": 2}
        assert (result.loc[manifest["split"] == "test", "split"] == "test").all()
    assert {frozenset(groups_of(result, "val")) for result in assign_folds(manifest, folds=4)} == set(map(frozenset, "abcd"))


def test_folds_without_a_test_part():
    assert [count(result) for result in assign_folds(build(*(("", name, 3) for name in "abc")), folds=3, test=0)] == [
        {"train": 6, "val": 3}
    ] * 3


@pytest.mark.parametrize(
    ("manifest", "folds", "test", "said", "fix"),
    [
        (build(*(("", name, 3) for name in "abcd")), 5, 0, "split.folds 5 cannot be drawn: the samples form 4 groups", "at most 4"),
        (
            build(*(("", name, 3) for name in "abcd")),
            4,
            0.2,
            "split.folds 4 cannot be drawn: the samples form 4 groups",
            "at most 3",
        ),
        (build(("", "a", 3), ("", "b", 3), ("test", "c", 3)), 3, 0.2, "3 groups, 2 of which are free", "at most 2"),
        (build(("", "a", 9)), 2, 0, "1 group, 1 of which is free", "source.group"),
    ],
)
def test_too_few_groups_for_the_folds(manifest, folds, test, said, fix):
    with pytest.raises(DataError, match=said) as error:
        assign_splits(manifest, folds=folds, test=test)
    assert fix in error.value.fix
    assert "null" in error.value.fix


@given(
    manifests,
    st.integers(2, 4),
    st.integers(0, 2),
    st.sampled_from([0.0, 0.2]),
    st.tuples(st.booleans(), st.sampled_from(["source", "ratio"])),
)
def test_what_always_holds_of_folds(groups, folds, seed, test, way):
    stratify, by = way
    manifest = build(*groups)
    presence = draw_presence(manifest, woods="abc", water="bdf") if stratify else None
    own_test = (manifest["split"] == "test") if by == "source" else pd.Series(False, index=manifest.index)
    try:
        results = assign_folds(manifest, presence, folds=folds, seed=seed, test=test, by=by)
    except DataError:
        pool = set(manifest.loc[~own_test, "group"])
        assert len(pool) < folds + (test > 0 and not own_test.any())
        return
    is_test = results[0]["split"] == "test"
    assert all(((result["split"] == "test") == is_test).all() for result in results)
    assert (is_test == own_test).all() if own_test.any() else is_test.any() == (test > 0)
    times_validated = sum((result["split"] == "val").astype(int) for result in results)
    assert (times_validated == (~is_test).astype(int)).all()
    for result in results:
        assert groups_of(result, "val")
        assert groups_of(result, "val").isdisjoint(groups_of(result, "train"))


@given(st.lists(st.integers(1, 9), min_size=4, max_size=16), st.integers(2, 4), st.data())
def test_a_rare_class_comes_to_be_in_every_fold(sizes, folds, data):
    manifest = build(*(("", f"g{number:02}", size) for number, size in enumerate(sizes)))
    having = data.draw(st.lists(st.sampled_from(sorted(set(manifest["group"]))), min_size=folds, unique=True))
    for result in assign_folds(manifest, draw_presence(manifest, rare=having), folds=folds, test=0):
        assert groups_of(result, "val") & set(having)
