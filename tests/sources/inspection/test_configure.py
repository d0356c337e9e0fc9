"""From a stranger's folder to settings: scale, training, parts, checks, questions, and what is written and printed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from maskmill import presets
from maskmill.cli import app
from maskmill.errors import MaskmillError, SourceError
from maskmill.params import load_params
from maskmill.sources.inspection.configure import configure
from maskmill.sources.inspection.guesses import Guess, nest
from maskmill.sources.inspection.scale import count_tiles, guess_scale
from maskmill.sources.inspection.sizes import PictureSizes, count_duplicates
from maskmill.sources.inspection.training import guess_class_weights, guess_training

REPOSITORY = Path(__file__).resolve().parents[3]


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def draw_photo(seed, size=(40, 56)):
    rng = np.random.default_rng(seed)
    smooth = np.linspace(40, 200, size[1])[np.newaxis, :, np.newaxis] + np.linspace(0, 40, size[0])[:, np.newaxis, np.newaxis]
    return np.clip(smooth + rng.normal(0, 12, (*size, 3)), 0, 255).astype(np.uint8)


def draw_mask(seed, size=(40, 56), values=(0, 255)):
    rng = np.random.default_rng(seed)
    mask = np.full(size, values[0], np.uint8)
    top, left = rng.integers(2, size[0] // 2), rng.integers(2, size[1] // 2)
    mask[top : top + size[0] // 3, left : left + size[1] // 3] = values[1]
    return mask


@pytest.fixture
def kidneys(tmp_path):
    """Ten grey-masked pictures in folders."""
    root = tmp_path / "kidneys"
    for number in range(10):
        save(root / f"images/case{number}.png", draw_photo(number))
        save(root / f"masks/case{number}.png", draw_mask(number))
    return root


def sizes_of(*sizes):
    return PictureSizes(tuple(sizes), {3: len(sizes)}, 0, 0, "", ())


def settings_of(guesses):
    return nest(guesses)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(256, 256)] * 3, {"policy": "fit", "image_size": [256, 256]}),
        ([(360, 480)], {"policy": "fit", "image_size": [224, 288]}),  # 256 * sqrt(3 / 4) = 221.7, 256 * sqrt(4 / 3) = 295.6
        ([(40, 56)], {"policy": "fit", "image_size": [32, 64]}),  # never enlarged but to a multiple of 32
        ([(1024, 2048)], {"policy": "native", "image_size": [256, 256], "factor": 0.71}),  # sqrt(16 * 65536 / 2097152)
        ([(4608, 3456)], {"policy": "native", "image_size": [256, 256], "factor": 0.26}),
        ([(300, 300), (200, 700)], {"policy": "native", "image_size": [256, 256], "factor": 1.0}),  # ratios 1 and 3.5
    ],
)
def test_scale_from_sizes(sizes, expected):
    assert settings_of(guess_scale(sizes_of(*sizes)))["scale"] == expected


def test_tiles_of_a_picture():
    assert (
        count_tiles(sizes_of((256, 256), (1024, 512)), {"policy": "native", "image_size": [256, 256], "factor": 1.0})
        == (1 + 8) // 2
    )
    assert count_tiles(sizes_of((1024, 2048)), {"policy": "native", "image_size": [256, 256], "factor": 0.5}) == 2 * 4
    assert count_tiles(sizes_of((1024, 2048)), {"policy": "fit"}) == 1


@pytest.mark.parametrize(
    ("num_training", "total", "epochs", "trial_epochs"),
    [(5, 160, 19, 2), (160, None, 19, 2), (400, None, 8, 1), (10_000, None, 4, 1)],
)
def test_training_from_the_number_of_pictures(num_training, total, epochs, trial_epochs):
    settings = settings_of(guess_training(num_training))
    assert settings.get("augment", {"recipes": {"upright": {}}})["recipes"]["upright"].get("total") == total
    assert settings["train"]["epochs"] == epochs
    assert settings["tune"]["epochs"] == trial_epochs
    assert settings["train"]["batch_size"] in settings["tune"]["space"]["batch_size"]


def test_class_weights_by_the_root_of_median_frequency():
    (guess,) = guess_class_weights({"sky": 0.64, "tree": 0.32, "pole": 0.04, "unseen": 0.0})
    assert guess.value == {"sky": 0.71, "tree": 1.0, "pole": 2.83}  # sqrt(0.32 / 0.64), 1, sqrt(0.32 / 0.04)
    assert guess_class_weights({"a": 0.7, "b": 0.3})[0].value == {}
    assert guess_class_weights({"a": 0.9999, "b": 0.0001})[0].value == {"a": 0.71, "b": 4.0}  # at most 4


def test_duplicates_are_counted_beyond_the_first(tmp_path):
    for name, content in {"a": b"xx", "b": b"xx", "c": b"xy", "d": b"xx", "e": b"z"}.items():
        (tmp_path / name).write_bytes(content)
    assert count_duplicates(sorted(tmp_path.iterdir())) == 2


def test_later_guesses_win():
    assert nest([Guess("a.b", 1, ""), Guess("c", 2, ""), Guess("a.b", 3, "")]) == {"a": {"b": 3}, "c": 2}


def test_settings_of_a_plain_set(kidneys):
    found = configure(kidneys).settings
    assert (found["source"]["images"], found["source"]["masks"]) == ("images/{name}.png", "masks/{name}.png")
    assert found["source"]["missing"] == "error"
    assert found["classes"][0]["name"] == "background"
    assert len(found["classes"]) == 2
    assert found["validate"]["min_samples"] == 1


def test_leaks_are_warnings_where_the_parts_are_the_sets_own(kidneys):
    """Drawn parts can be drawn better: there a leak is an error, which is the default."""
    assert "leakage" not in configure(kidneys).settings["validate"]
    for path in sorted(kidneys.rglob("*.png")):
        part = "val" if path.stem in ("case1", "case2", "case3") else "train"
        (kidneys / part / path.parent.name).mkdir(parents=True, exist_ok=True)
        path.rename(kidneys / part / path.parent.name / path.name)
    configuration = configure(kidneys)
    assert configuration.settings["source"]["images"].startswith("{split}/")
    guess = next(guess for guess in configuration.guesses if guess.setting == "validate.leakage")
    assert guess.value == "warn"
    assert "the set's own" in guess.reason


def test_copies_are_warnings_to_look_at(kidneys):
    shutil.copy(kidneys / "images/case1.png", kidneys / "images/case7.png")
    guess = next(guess for guess in configure(kidneys).guesses if guess.setting == "validate.leakage")
    assert (guess.value, guess.reason) == ("warn", "1 pictures are copies of others: look at them")


def test_what_is_missing_is_left_out_and_told(kidneys, capsys):
    (kidneys / "masks/case3.png").unlink()
    (kidneys / "images/case5.png").unlink()
    missing = next(guess for guess in configure(kidneys).guesses if guess.setting == "source.missing")
    assert (missing.value, missing.reason) == ("skip", "1 pictures have no mask, 1 masks have no picture")
    assert capsys.readouterr().out == ""  # the trial run of the form says nothing


def test_masks_of_another_size_are_resized(kidneys):
    for path in (kidneys / "masks").iterdir():
        with Image.open(path) as mask:
            half = mask.resize((28, 20), Image.Resampling.NEAREST)
        half.save(path)
    assert configure(kidneys).settings["encode"]["mask_size"] == "resize"


def test_an_archive_is_inspected_too(kidneys, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "packed"), "gztar", kidneys)
    assert configure(Path(archive)).settings["source"]["images"] == "images/{name}.png"


def test_two_annotators_are_asked_about_and_picked(kidneys):
    (kidneys / "masks").rename(kidneys / "annotator_anna")
    shutil.copytree(kidneys / "annotator_anna", kidneys / "annotator_bert")
    for number, path in enumerate(sorted((kidneys / "annotator_bert").iterdir())):
        save(path, draw_mask(number + 100))
    with pytest.raises(SourceError, match=r"equally likely") as caught:
        configure(kidneys)
    assert "anna" in str(caught.value)
    assert "bert" in str(caught.value)
    name = str(caught.value.fix).partition("PICK=")[2].partition(",")[0]
    assert configure(kidneys, [name]).settings["source"]["masks"] in ("annotator_anna/{name}.png", "annotator_bert/{name}.png")
    with pytest.raises(SourceError, match="carla is no option here"):
        configure(kidneys, ["carla"])


@pytest.mark.parametrize("what", ["photos", "texts"])
def test_what_is_no_set_is_refused_with_the_forms_and_what_was_seen(tmp_path, what):
    for number in range(4):
        if what == "photos":
            save(tmp_path / f"set/holiday{number}.png", draw_photo(number))
        else:
            (tmp_path / "set").mkdir(exist_ok=True)
            (tmp_path / f"set/note{number}.txt").write_text("nothing")
    with pytest.raises(
        SourceError, match=r"looks like pictures with masks; seen: 4 files \(4 \.(png|txt)\)(.|\n)*composite(.|\n)*geotiff"
    ):
        configure(tmp_path / "set")


def test_written_params_are_right_and_give_their_reasons(kidneys, tmp_path, monkeypatch):
    shutil.copytree(REPOSITORY / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    presets.write_auto_params("kidneys", picks=())
    params = load_params()
    assert params.source.path == Path("kidneys")
    assert params.source.name == "kidneys"
    text = Path("params.yaml").read_text()
    assert text.startswith(
        "# Written by: make preset P=auto SOURCE=kidneys\n# Every guess and its reason:\n#   source.name: kidneys"
    )
    assert "#   source.missing: error  (nothing is missing)" in text


def test_the_commands(kidneys, tmp_path, monkeypatch):
    shutil.copytree(REPOSITORY / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["inspect", "kidneys"])
    assert shown.exit_code == 0, shown.output
    for line in (
        "10 pictures 'images/{name}.png' have masks 'masks/{name}.png'",
        "all 10 looked at are 56 x 40",
        "settings and why",
    ):
        assert line in shown.output
    assert not Path("params.yaml").exists()
    written = CliRunner().invoke(app, ["preset", "auto", "--source", "kidneys"])
    assert written.exit_code == 0, written.output
    assert "Next: dvc repro" in written.output
    assert Path("params.yaml").exists()
    alone = CliRunner().invoke(app, ["preset", "auto"])
    assert isinstance(alone.exception, MaskmillError)


@pytest.mark.parametrize(("parts", "expected"), [({"train": "ab", "val": "b"}, None), ({"train": "abc", "val": "d"}, "{scene}")])
def test_groups_have_to_suffice_for_the_parts_to_be_drawn(tmp_path, parts, expected):
    number = 0
    for part, scenes in parts.items():
        for scene in scenes:
            for frame in range(4):
                save(tmp_path / f"set/{part}/images/{scene}07_{frame:04}.png", draw_photo(number))
                save(tmp_path / f"set/{part}/masks/{scene}07_{frame:04}.png", draw_mask(number))
                number += 1
    source = configure(tmp_path / "set").settings["source"]
    assert source["images"].startswith("{split}/")
    assert source["group"] == expected
