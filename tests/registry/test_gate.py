import math
from dataclasses import replace
from pathlib import Path

import pytest

from maskmill.registry.gate import Contender, hash_test_part, judge

GOOD = Contender(version="2", dice=0.8, device_kind="gpu", validated=True, test_manifest="a" * 64)
CHAMPION = replace(GOOD, version="1", dice=0.7)


def outcomes(verdict) -> dict[str, str]:
    return {check.name: check.outcome for check in verdict.checks}


def test_a_first_version_from_a_gpu_becomes_champion():
    verdict = judge(GOOD, None, require_gpu=True, floor=0.5)
    assert verdict.promoted
    assert verdict.reason == "version 2 is champion: dice 0.8000, the first champion needs 0.5"
    assert outcomes(verdict) == {
        "device": "passed",
        "validation": "passed",
        "floor": "passed",
        "same_test": "skipped",
        "better": "skipped",
    }


def test_a_version_from_a_cpu_does_not_and_the_reason_says_so():
    verdict = judge(replace(GOOD, device_kind="cpu"), None, require_gpu=True, floor=0.0)
    assert not verdict.promoted
    assert "trained on a CPU" in verdict.reason
    assert "register.require_gpu" in verdict.reason


def test_a_cpu_is_enough_where_the_setting_says_so_and_the_skip_has_its_reason():
    verdict = judge(replace(GOOD, device_kind="cpu"), None, require_gpu=False, floor=0.0)
    assert verdict.promoted
    assert verdict.checks[0].outcome == "skipped"
    assert verdict.checks[0].reason == "trained on a CPU; register.require_gpu is false"


def test_a_first_version_below_the_floor_is_refused():
    verdict = judge(GOOD, None, require_gpu=True, floor=0.81)
    assert not verdict.promoted
    assert "dice 0.8000 is below register.floor 0.81" in verdict.reason


def test_the_floor_itself_is_enough():
    assert judge(GOOD, None, require_gpu=True, floor=0.8).promoted


def test_a_better_version_takes_the_place_of_the_champion_whatever_the_floor():
    verdict = judge(GOOD, CHAMPION, require_gpu=True, floor=0.99)
    assert verdict.promoted
    assert verdict.reason == "version 2 is champion: dice 0.8000 against 0.7000 of champion version 1"
    assert outcomes(verdict)["floor"] == "skipped"


@pytest.mark.parametrize("dice", [0.7, 0.69, math.nan])
def test_a_version_that_is_not_strictly_better_is_refused(dice: float):
    verdict = judge(replace(GOOD, dice=dice), CHAMPION, require_gpu=True, floor=0.0)
    assert not verdict.promoted
    assert "of champion version 1 is not better" in verdict.reason


@pytest.mark.parametrize("manifest", ["b" * 64, None])
def test_figures_of_other_test_pictures_are_not_compared(manifest: str | None):
    verdict = judge(replace(GOOD, test_manifest=manifest), CHAMPION, require_gpu=True, floor=0.0)
    assert not verdict.promoted
    assert "aaaaaaaaaaaa: their dice cannot be compared" in verdict.reason
    assert outcomes(verdict)["better"] == "skipped"


def test_two_unknown_test_parts_are_not_the_same():
    unknown = replace(GOOD, test_manifest=None)
    assert not judge(unknown, replace(CHAMPION, test_manifest=None), require_gpu=True, floor=0.0).promoted


@pytest.mark.parametrize("validated", [False, None])
def test_data_that_is_not_known_to_be_valid_fails(validated: bool | None):
    verdict = judge(replace(GOOD, validated=validated), None, require_gpu=True, floor=0.0)
    assert not verdict.promoted
    assert outcomes(verdict)["validation"] == "failed"


def test_what_is_unknown_is_never_enough():
    unknown = Contender(version="3", dice=math.nan, device_kind=None, validated=None, test_manifest=None)
    verdict = judge(unknown, None, require_gpu=True, floor=0.0)
    assert not verdict.promoted
    assert [check.name for check in verdict.checks if check.outcome == "failed"] == ["device", "validation", "floor"]
    assert not judge(unknown, CHAMPION, require_gpu=False, floor=0.0).promoted


@pytest.mark.parametrize("contender", [GOOD, replace(GOOD, device_kind="cpu"), replace(GOOD, dice=0.1)])
@pytest.mark.parametrize("champion", [None, CHAMPION])
def test_every_check_is_reported_with_a_reason(contender: Contender, champion: Contender | None):
    verdict = judge(contender, champion, require_gpu=True, floor=0.2)
    assert [check.name for check in verdict.checks] == ["device", "validation", "floor", "same_test", "better"]
    assert all(check.reason for check in verdict.checks)


def write_statistics(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["id,split,image_hash,exact,pixels_a,pixels_b", *rows]) + "\n")
    return path


def test_the_test_part_is_known_by_its_pictures_and_masks_alone(tmp_path: Path):
    rows = ["NA,test,h1,1.0,10,20", "002,test,h2,1.0,30,0", "003,train,h3,1.0,5,5"]
    first = hash_test_part(write_statistics(tmp_path / "a.csv", rows))
    assert hash_test_part(write_statistics(tmp_path / "b.csv", [*rows[1::-1], "003,train,other,0.5,1,9"])) == first
    for changed in ("NA,test,h9,1.0,10,20", "NA,test,h1,1.0,11,19", "NB,test,h1,1.0,10,20", "NA,val,h1,1.0,10,20"):
        assert hash_test_part(write_statistics(tmp_path / "c.csv", [changed, *rows[1:]])) != first


def test_without_test_pictures_there_is_nothing_to_compare_by(tmp_path: Path):
    assert hash_test_part(write_statistics(tmp_path / "a.csv", ["a,train,h,1.0,1,1"])) is None
