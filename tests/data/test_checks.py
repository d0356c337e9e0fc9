import json

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from maskmill.data.checks import check_dataset, read_statistics
from maskmill.data.findings import build_failure_table, require_success, select_failed, write_findings
from maskmill.data.leakage import PAIR_COLUMNS, PARTS
from maskmill.errors import DataError

LIMITS = {
    "labels": "exclusive",
    "min_samples": 2,
    "max_unmatched": 0.02,
    "max_void": 0.9,
    "min_class_fraction": 0.1,
    "max_empty": 0.0,
    "leakage": "fail",
}


@pytest.fixture
def statistics():
    """Two samples a part, 10 x 20 pixels each: 100 of class a, 80 of class b, 20 void."""
    parts = ["train", "train", "val", "val", "test", "test"]
    ids = [f"s{number}" for number in range(6)]
    table = {"id": ids, "source_image": [f"data/{i}.jpg" for i in ids], "source_mask": [f"data/{i}.png" for i in ids]}
    sizes = {"image_height": 10, "image_width": 20, "mask_height": 10, "mask_width": 20, "channels": 3}
    hashes = {"image_hash": [f"{number:064x}" for number in range(6)]}
    fractions = {"exact": 1.0, "tolerated": 0.0, "unmatched": 0.0, "void": 0.1, "pixels_a": 100, "pixels_b": 80}
    return pd.DataFrame({**table, "split": parts, "group": ids, **sizes, **hashes, **fractions})


NO_PAIRS = pd.DataFrame(columns=PAIR_COLUMNS)
NO_GROUPS = pd.DataFrame(columns=["group", *PARTS])


def check(statistics, tmp_path, pairs=NO_PAIRS, groups=NO_GROUPS, **limits):
    return check_dataset(statistics, pairs, groups, **{**LIMITS, **limits}, data_docs_dir=tmp_path / "data_docs")


def failures(findings):
    return {finding.name: finding.offending for finding in findings if not finding.passed}


def test_a_sound_set_passes_every_check(statistics, tmp_path):
    findings = check(statistics, tmp_path)
    assert failures(findings) == {}
    assert len(findings) == 12
    observed = {finding.name: finding.observed for finding in findings}
    assert observed["samples in each part"] == 2
    assert observed["void pixels"] == pytest.approx(0.1)
    assert observed["class frequencies"] == pytest.approx(80 / 180)


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"source_mask": None}, "complete rows"),
        ({"unmatched": np.nan}, "complete rows"),
        ({"mask_height": 11, "void": 1 - 180 / 220}, "equal heights"),
        ({"image_width": 21}, "equal widths"),
        ({"pixels_a": 99}, "ids in range"),
        ({"unmatched": 0.03}, "unmatched pixels"),
        ({"void": 0.95, "pixels_a": 5, "pixels_b": 5}, "void pixels"),
    ],
)
def test_each_check_fails_for_a_sample_broken_in_its_way_alone(statistics, tmp_path, cells, name):
    for column, value in cells.items():
        statistics[column] = statistics[column].astype(object if value is None else type(value))
        statistics.loc[3, column] = value
    file = "data/s3.jpg" if "source_mask" in cells else "data/s3.png"
    assert failures(check(statistics, tmp_path)) == {name: (file,)}


def test_overlapping_classes_are_held_against_the_labelled_pixels(statistics, tmp_path):
    statistics[["pixels_a", "pixels_b"]] = [150, 90]  # of 180 that are not void: some have both, some neither
    findings = check(statistics, tmp_path, labels="overlapping", min_class_fraction=0.4)
    assert failures(findings) == {}
    assert {each.name: each.observed for each in findings}["class frequencies"] == pytest.approx(0.5)
    statistics.loc[3, "pixels_a"] = 181
    assert failures(check(statistics, tmp_path, labels="overlapping")) == {"ids in range": ("data/s3.png",)}


def test_an_overlapping_mask_without_any_class_is_labelled_and_not_empty(statistics, tmp_path):
    statistics.loc[3, ["pixels_a", "pixels_b"]] = 0
    assert failures(check(statistics, tmp_path, labels="overlapping")) == {}
    statistics.loc[3, "void"] = 1.0
    assert set(failures(check(statistics, tmp_path, labels="overlapping", max_void=1.0))) == {"empty masks"}


def test_too_few_samples_name_the_part(statistics, tmp_path):
    assert failures(check(statistics.drop(index=5), tmp_path)) == {"samples in each part": ("test",)}
    assert failures(check(statistics[statistics["split"] != "val"], tmp_path)) == {"samples in each part": ("val",)}


def test_no_sample_at_all_fails(statistics, tmp_path):
    assert failures(check(statistics.head(0), tmp_path))["samples in each part"] == ("test", "train", "val")


def test_empty_masks_are_allowed_up_to_their_fraction(statistics, tmp_path):
    statistics.loc[1, ["void", "pixels_a", "pixels_b"]] = [1.0, 0, 0]
    limits = {"max_void": 1.0}
    assert failures(check(statistics, tmp_path, **limits)) == {"empty masks": ("data/s1.png",)}
    assert failures(check(statistics, tmp_path, **limits, max_empty=0.2)) == {}  # one of six
    assert set(failures(check(statistics, tmp_path, **limits, max_empty=0.1))) == {"empty masks"}


def test_a_class_that_is_rare_in_training_is_named_whatever_the_other_parts_hold(statistics, tmp_path):
    statistics.loc[[0, 1], ["pixels_a", "pixels_b"]] = [179, 1]
    assert failures(check(statistics, tmp_path)) == {"class frequencies": ("b",)}


def pair_of(kind, first, second):
    row = (kind, "mirrored", 2, first, second, f"data/{first}.jpg", f"data/{second}.jpg", "train", "test")
    return pd.DataFrame([row], columns=PAIR_COLUMNS)


@pytest.mark.parametrize(("kind", "name"), [("duplicate", "duplicates"), ("near-duplicate", "near-duplicates")])
def test_pictures_in_two_parts_are_named_with_both_files(statistics, tmp_path, kind, name):
    findings = check(statistics, tmp_path, pairs=pair_of(kind, "s0", "s4"))
    assert failures(findings) == {f"{name} across parts": ("s0.jpg = s4.jpg",)}
    assert [finding.observed for finding in select_failed(findings, "error")] == [1]


def test_a_group_in_two_parts_is_named_with_its_counts(statistics, tmp_path):
    groups = pd.DataFrame([("north", 2, 0, 1)], columns=["group", *PARTS])
    assert failures(check(statistics, tmp_path, groups=groups)) == {"groups across parts": ("north: 2 train, 1 test",)}


def test_leaks_can_be_warnings_and_nothing_else_can(statistics, tmp_path):
    statistics.loc[3, "unmatched"] = 0.03
    findings = check(statistics, tmp_path, pairs=pair_of("near-duplicate", "s0", "s4"), leakage="warn")
    assert [finding.name for finding in select_failed(findings, "warning")] == ["near-duplicates across parts"]
    assert [finding.name for finding in select_failed(findings, "error")] == ["unmatched pixels"]


def test_a_warning_opens_the_way_and_stays_in_the_result(statistics, tmp_path):
    groups = pd.DataFrame([(f"g{number:03}", 1, 1, 0) for number in range(150)], columns=["group", *PARTS])
    write_findings(check(statistics, tmp_path, groups=groups, leakage="warn"), tmp_path / "warned.json")
    require_success(tmp_path / "warned.json")
    result = json.loads((tmp_path / "warned.json").read_text())
    (finding,) = [each for each in result["checks"] if not each["passed"]]
    assert (finding["name"], finding["severity"], finding["observed"]) == ("groups across parts", "warning", 150)
    assert len(finding["offending"]) == 100
    write_findings(check(statistics, tmp_path, groups=groups), tmp_path / "failed.json")
    with pytest.raises(DataError, match="failed its checks"):
        require_success(tmp_path / "failed.json")


def test_a_table_without_its_columns_is_refused(statistics, tmp_path):
    path = tmp_path / "statistics.csv"
    statistics.drop(columns=["void", "unmatched"]).to_csv(path, index=False)
    with pytest.raises(DataError, match=r"statistics.csv lacks columns: unmatched, void"):
        read_statistics(path)
    statistics.drop(columns=["pixels_a", "pixels_b"]).to_csv(path, index=False)
    with pytest.raises(DataError, match="pixels_<class name>"):
        read_statistics(path)


def test_data_docs_are_pages_that_show_the_checks(statistics, tmp_path):
    (tmp_path / "data_docs").mkdir()
    (tmp_path / "data_docs" / "old.html").touch()
    check(statistics, tmp_path)
    pages = [path.read_text() for path in (tmp_path / "data_docs").rglob("*.html")]
    assert (tmp_path / "data_docs" / "index.html").exists()
    assert any("mask_height" in page for page in pages)
    assert not (tmp_path / "data_docs" / "old.html").exists()


def test_statistics_keep_texts_as_they_are(statistics, tmp_path):
    statistics["id"] = [f"00{number}" for number in range(6)]
    statistics["group"] = "NA"
    statistics.to_csv(tmp_path / "statistics.csv", index=False)
    table = read_statistics(tmp_path / "statistics.csv")
    assert table["id"].tolist() == statistics["id"].tolist()
    assert table["group"].tolist() == ["NA"] * 6
    assert failures(check(table, tmp_path)) == {}


def test_findings_are_the_same_bytes_each_time_and_open_the_way(statistics, tmp_path):
    for name in ("one.json", "two.json"):
        write_findings(check(statistics, tmp_path), tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    result = json.loads((tmp_path / "one.json").read_text())
    assert result["success"] is True
    assert [each["name"] for each in result["checks"]] == sorted(each["name"] for each in result["checks"])
    require_success(tmp_path / "one.json")


def test_only_a_success_opens_the_way(statistics, tmp_path):
    write_findings(check(statistics.drop(index=5), tmp_path), tmp_path / "failed.json")
    with pytest.raises(DataError, match="says that the data set failed"):
        require_success(tmp_path / "failed.json")
    with pytest.raises(DataError, match="does not exist"):
        require_success(tmp_path / "absent.json")
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(DataError, match="is not the result of the checks"):
        require_success(tmp_path / "broken.json")


def test_the_table_shows_failed_checks_with_the_first_twenty_files(statistics, tmp_path):
    many = pd.concat([statistics] * 5, ignore_index=True)
    many["source_mask"] = [f"data/mask{number:02}.png" for number in range(30)]
    many["image_hash"] = [f"{number:064x}" for number in range(30)]
    many["unmatched"] = 0.5
    console = Console(width=120)
    with console.capture() as capture:
        console.print(build_failure_table(select_failed(check(many, tmp_path), "error"), "failed checks"))
    text = capture.get()
    assert "unmatched pixels" in text
    assert "validate.max_unmatched" in text
    assert "data/mask19.png" in text
    assert "data/mask20.png" not in text
    assert "... and 10 more" in text
    assert "void pixels" not in text
