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

from maskmill.errors import DataError

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
    assert "10 checks passed" in capsys.readouterr().out


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
