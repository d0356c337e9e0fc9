import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from painting import paint, save_again

from maskmill.errors import DataError
from maskmill.presets import write_params

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(write_encoded, tmp_path, monkeypatch):
    """A project folder with the default settings and three samples in each part."""
    generator = np.random.default_rng(0)
    samples = {}
    for number in range(9):
        label_mask = generator.integers(0, 2, (12, 18)).astype(np.uint8)
        samples[f"s{number}"] = (
            ["train", "val", "test"][number % 3],
            generator.integers(0, 256, (12, 18, 3), np.uint8),
            label_mask,
        )
    write_encoded(samples)
    shutil.copy(ROOT / "presets" / "default.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "stages"))
    return tmp_path


def spoil(project, **cells):
    path = project / "build" / "encoded" / "statistics.csv"
    table = pd.read_csv(path)
    for column, value in cells.items():
        table.loc[2, column] = value
    table.to_csv(path, index=False)


def test_a_sound_set_leaves_its_result_and_pages(project, capsys):
    importlib.import_module("validate").main()
    result = json.loads((project / "results" / "validate" / "result.json").read_text())
    assert result["success"] is True
    assert (project / "build" / "data_docs" / "index.html").exists()
    assert "12 checks passed" in capsys.readouterr().out


def change_params(project, old, new):
    params = (project / "params.yaml").read_text()
    assert params.count(old) == 1
    (project / "params.yaml").write_text(params.replace(old, new))


@pytest.fixture
def leaking(write_encoded, project):
    """Twelve pictures, four in each part; one of val mirrored is in test, one of train cropped and turned in val."""
    shutil.rmtree(project / "build")
    generator = np.random.default_rng(0)
    pictures = {f"s{number:02}": paint(number) for number in range(12)}
    pictures["s05"] = save_again(np.rot90(pictures["s01"][2:-2, 3:-3]), 60)
    pictures["s10"] = np.fliplr(pictures["s07"]).copy()
    samples = {}
    for number, (name, picture) in enumerate(pictures.items()):
        label_mask = generator.integers(0, 2, picture.shape[:2]).astype(np.uint8)
        samples[name] = (["train", "val", "test"][number // 4], picture, label_mask)
    write_encoded(samples)
    return project


def test_leaks_stop_the_run_and_are_named_and_shown(leaking):
    (leaking / "results" / "validate").mkdir(parents=True)
    (leaking / "results" / "validate" / "result.json").write_text('{"success": true}')
    command = [sys.executable, ROOT / "stages" / "validate.py"]
    run = subprocess.run(command, cwd=leaking, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "the data set fails: near-duplicates across parts" in run.stderr
    assert "validate.leakage: warn" in run.stderr
    assert "s01.jpg = s05.jpg" in run.stdout
    assert "s07.jpg = s10.jpg" in run.stdout
    assert not (leaking / "results" / "validate" / "result.json").exists()
    pairs = pd.read_csv(leaking / "build" / "leakage" / "pairs.csv")
    assert pairs[["symmetry", "first_id", "second_id"]].to_numpy().tolist() == [
        ["mirrored", "s07", "s10"],
        ["turned left", "s01", "s05"],
    ]
    assert (leaking / "build" / "leakage" / "pairs_1.png").exists()


def test_leaks_that_are_accepted_are_warnings_in_the_result(leaking, capsys):
    change_params(leaking, "leakage: fail", "leakage: warn")
    spoil(leaking, group="s04")  # s02 of train belongs to s04 of val
    stage = importlib.import_module("validate")
    stage.main()
    shown = capsys.readouterr().out
    assert "warnings" in shown
    assert "s04: 1 train, 1 val" in shown
    assert "10 checks passed" in shown
    path = leaking / "results" / "validate" / "result.json"
    first = path.read_bytes()
    result = json.loads(first)
    assert result["success"] is True
    warned = {check["name"]: check["observed"] for check in result["checks"] if not check["passed"]}
    assert warned == {"groups across parts": 1, "near-duplicates across parts": 2}
    stage.main()
    assert path.read_bytes() == first


def test_the_threshold_of_near_duplicates_is_a_setting(leaking):
    change_params(leaking, "near_duplicate: 10", "near_duplicate: 0")
    with pytest.raises(DataError, match="near-duplicates across parts"):
        importlib.import_module("validate").main()
    assert len(pd.read_csv(leaking / "build" / "leakage" / "pairs.csv")) == 1  # the mirrored one


def test_a_folder_that_an_earlier_version_encoded_is_refused(project):
    (project / "build" / "encoded" / "thumbnails.npy").unlink()
    with pytest.raises(DataError, match=r"thumbnails.npy does not exist"):
        importlib.import_module("validate").main()


def test_classes_may_share_pixels_where_they_overlap(project):
    spoil(project, pixels_a=150, pixels_b=150)  # of 216
    stage = importlib.import_module("validate")
    with pytest.raises(DataError, match="the data set fails: ids in range"):
        stage.main()
    params = project / "params.yaml"
    params.write_text(re.sub(r"labels: exclusive", "labels: overlapping", params.read_text()))
    stage.main()


def test_a_broken_set_names_its_files_and_takes_the_old_result_away(project, capsys):
    stage = importlib.import_module("validate")
    stage.main()
    spoil(project, unmatched=0.4)
    with pytest.raises(DataError, match="the data set fails: unmatched pixels"):
        stage.main()
    shown = capsys.readouterr().out
    assert "data/s2.png" in shown
    assert "validate.max_unmatched" in shown
    assert not (project / "results" / "validate" / "result.json").exists()
    assert (project / "build" / "data_docs" / "index.html").exists()


def test_the_exit_code_stops_dvc(project):
    spoil(project, mask_width=19)
    run = subprocess.run(
        [sys.executable, ROOT / "stages" / "validate.py"], cwd=project, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "equal widths" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Calculating Metrics" not in run.stderr  # the bars of Great Expectations


def test_camvid_shares_a_sequence_between_its_lists(tmp_path, monkeypatch, capsys):
    """The frames of its validation list are of a sequence, 0016E5, whose other frames are in its training list."""
    archive = ROOT.parent / "shared" / "data" / "camvid.tar"
    if not archive.is_file():
        pytest.skip("camvid.tar is not in ../shared/data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "stages"))
    write_params("camvid", source=str(archive), target=tmp_path / "params.yaml", folder=ROOT / "presets")
    for stage in ("download", "encode", "validate"):
        importlib.import_module(stage).main()
    assert "0016E5: 204 train, 101 val" in capsys.readouterr().out
    groups = pd.read_csv(tmp_path / "build" / "leakage" / "groups.csv", dtype={"group": "str"})  # no 16e5
    assert groups.to_dict("records") == [{"group": "0016E5", "train": 204, "val": 101, "test": 0}]
    assert (tmp_path / "build" / "leakage" / "groups.png").exists()
    result = json.loads((tmp_path / "results" / "validate" / "result.json").read_text())
    assert result["success"] is True
