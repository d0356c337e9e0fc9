"""Every preset says what it is, reads its data set in miniature, and builds its model and its loss."""

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from miniatures import LAYOUTS, shrink

from maskmill.labels.heads import Head, choose_head
from maskmill.params import Params, load_params, read_yaml
from maskmill.presets import list_presets, write_params

PRESETS = Path(__file__).parents[2] / "presets"
NAMES = list(list_presets(PRESETS))
SMALLER = [name for name in NAMES if "/" in name]
PARTS = ["Reproduces", "Data", "Published", "Differs"]
OURS = ("default", "own")  # the sample that we draw, and a template


def read_preset(name: str, folder: Path) -> Params:
    write_params(name, source=None, target=folder / "params.yaml", folder=PRESETS)
    return load_params(folder / "params.yaml")


def read_heading(name: str) -> str:
    """Return the comment that a preset begins with."""
    lines = (PRESETS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    return "\n".join(lines[: next(number for number, line in enumerate(lines) if not line.startswith("#"))])


def name_classes(params: Params) -> list[str]:
    return [entry.name for entry in params.classes if not entry.void]


def find_head(params: Params) -> Head:
    return choose_head(params.train.head, params.encode.labels, len(name_classes(params)))


def count_channels(params: Params) -> int:
    return 16 if params.source.band_files else 3


def group_by_model(folder: Path) -> dict[str, list[str]]:
    """Return the presets by the settings that their models are built from, as JSON."""
    from maskmill.models.build import settings_of

    groups: dict[str, list[str]] = {}
    for name in NAMES:
        params = read_preset(name, folder)
        train = params.train.model_dump() | {"weights": "none"}  # no network here
        taken = {key: train[key] for key in ("architecture", *settings_of(train["architecture"]))}
        key = json.dumps({**taken, "channels": count_channels(params), "head": find_head(params)}, sort_keys=True)
        groups.setdefault(key, []).append(name)
    return groups


def test_every_data_set_is_here_in_miniature() -> None:
    assert sorted(LAYOUTS) == sorted(set(NAMES) - set(SMALLER))


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_parses_and_says_what_it_is(name: str, tmp_path: Path) -> None:
    assert read_preset(name, tmp_path).preset == name
    assert len(list_presets(PRESETS)[name]) > 20


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in OURS])
def test_a_preset_names_its_model_its_data_and_its_figure(name: str, tmp_path: Path) -> None:
    heading = read_heading(name)
    assert re.findall(rf"^# ({'|'.join(PARTS)})\b", heading, re.MULTILINE) == PARTS
    home = read_preset(name, tmp_path).source.home
    assert "not public" in heading if home is None else home.startswith("https://")


@pytest.mark.parametrize("name", SMALLER)
def test_a_smaller_preset_differs_in_size_alone(name: str, tmp_path: Path) -> None:
    whole, smaller = (read_preset(each, tmp_path) for each in (Path(name).name, name))
    assert smaller.classes == whole.classes
    assert smaller.encode == whole.encode
    assert smaller.train.architecture == whole.train.architecture
    assert smaller.train.loss == whole.train.loss
    assert set(read_yaml(PRESETS / f"{name}.yaml")) <= {"source", "validate", "scale", "augment", "tune", "train"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_preset_reads_its_data_and_measures_its_loss(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from maskmill.training.class_weights import find_class_weights
    from maskmill.training.losses import build_loss

    LAYOUTS[name](tmp_path / "set")
    write_params(name, source=str(tmp_path / "set"), target=tmp_path / "params.yaml", folder=PRESETS)
    shrink(tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(PRESETS.parent / "stages")
    for stage in ("download", "encode"):
        importlib.import_module(stage).main()

    params, encoded = load_params(), tmp_path / "build/encoded"
    samples = pd.read_csv(encoded / "samples.csv")
    assert (samples["height"] != samples["width"]).all()
    assert set(samples["channels"]) == {count_channels(params)}
    assert set(samples["split"]) == {"train", "val", "test"}
    statistics = pd.read_csv(encoded / "statistics.csv")
    training = statistics[statistics["split"] == "train"]
    classes = name_classes(params)
    assert [each for each in classes if not training[f"pixels_{each}"].any()] == []

    rng = np.random.default_rng(0)
    shape = (2, 12, 18)
    masks = rng.integers(0, 2 ** len(classes) if params.encode.labels == "overlapping" else len(classes), shape)
    logits = rng.normal(0, 1, (*shape, len(classes))).astype(np.float32)
    weights = find_class_weights(params.train.class_weights, classes, encoded / "statistics.csv")
    loss = build_loss(params.train.model_dump(), find_head(params), weights)
    assert np.isfinite(float(loss(masks.astype(np.float32), logits)))


@pytest.mark.parametrize("name", NAMES)
def test_every_train_setting_of_a_preset_has_an_effect(name: str, tmp_path: Path) -> None:
    from maskmill.training.run import find_idle_settings

    params = read_preset(name, tmp_path)
    assert find_idle_settings(params.train.model_dump(), find_head(params)) == []


def test_every_preset_builds_its_model(tmp_path: Path, subtests: pytest.Subtests) -> None:
    from maskmill.models import build_model

    for settings, names in group_by_model(tmp_path).items():
        with subtests.test(presets=names):
            num_classes = len(name_classes(read_preset(names[0], tmp_path)))
            model = build_model(**json.loads(settings), num_classes=num_classes)
            pictures = np.random.default_rng(0).integers(0, 256, (1, 40, 70, model.input_shape[-1]), np.uint8)
            assert model(pictures, training=False).shape == (1, 40, 70, num_classes)
