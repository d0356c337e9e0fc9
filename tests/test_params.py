"""params.yaml: a typo or an unfit value is refused with its place and a likely spelling, and nothing runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from maskmill.errors import ParamsError
from maskmill.params import check_params, load_params, overlay_train, read_yaml
from maskmill.presets import list_presets, write_params

ROOT = Path(__file__).parents[1]
Edit = Callable[[dict[str, Any]], Any]


@pytest.fixture
def values() -> dict[str, Any]:
    return read_yaml(ROOT / "presets" / "default.yaml")


def test_the_defaults_are_complete_and_right(values: dict[str, Any]) -> None:
    params = check_params(values)
    assert params.train.learning_rate == values["train"]["learning_rate"]
    assert params.validate_.min_samples == values["validate"]["min_samples"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda v: v["train"].update(learnin_rate=1), "train.learnin_rate is not a setting; did you mean learning_rate?"),
        (lambda v: v.update(trian={}), "trian is not a setting; did you mean train?"),
        (lambda v: v["train"].pop("epochs"), "train.epochs is missing"),
        (lambda v: v["train"].update(epochs="many"), "train.epochs = 'many'"),
        (lambda v: v["classes"][1].update(colours=[[1, 2, 300]]), "classes.1.colours.0.2 = 300"),
        (lambda v: v["classes"][0].update(color=[1]), "classes.0.color is not a setting; did you mean colours?"),
        (lambda v: v["tune"]["space"].update(batch_size=[0]), "tune.space.batch_size offers 0"),
        (lambda v: v["tune"]["space"].update(backbon=["x"]), "did you mean backbone?"),
        (lambda v: v["tune"]["space"].update(learning_rate={"low": 1, "high": 0.1}), "are no range"),
        (lambda v: v["split"].update(val=0.6, test=0.5), "leaves nothing for training"),
        (lambda v: v["source"].update(url="https://example.org/a.zip"), "source.url needs source.sha256"),
        (lambda v: v["source"].update(form="folders"), "source.masks is needed"),
        (lambda v: v["augment"]["recipes"]["none"].update(copies=1, total=9), "set one of them"),
        (
            lambda v: v["augment"]["recipes"]["none"].update(transforms=[{"name": "D4"}, {"name": "VerticalFlop"}]),
            "augment.recipes.none.transforms[1]: VerticalFlop is not a transform of albumentations; did you mean VerticalFlip?",
        ),
        (
            lambda v: v["augment"]["recipes"]["stones"]["transforms"][0].update(limits=30),
            "augment.recipes.stones.transforms[0]: limits is not an argument of Rotate; did you mean limit?",
        ),
        (lambda v: v["augment"]["recipes"]["none"].update(copies=3), "copies that no transform changes"),
        (lambda v: v["split"].update(fold=3), "split.fold is 3, but split.folds is null"),
        (lambda v: v["split"].update(folds=3, fold=3), "folds count from 0 to 2"),
        (lambda v: v["compute"].update(jobs=0), "compute.jobs is 0"),
        (lambda v: v["augment"].update(recipe="stone"), "augment.recipe 'stone' is no recipe; did you mean stones?"),
        (lambda v: v["augment"]["recipes"].update({"my.own": {"transforms": []}}), "augment.recipes.my.own"),
        (lambda v: v["train"].update(loss={"cross_entropy": 0, "dice": 0}), "at least one weight"),
        (
            lambda v: v["train"].update(architecture="segfomer"),
            "train.architecture = 'segfomer' is not known; did you mean segformer?",
        ),
        (lambda v: v["train"].update(backbone="resnet19"), "train.backbone = 'resnet19' is not known; did you mean resnet18?"),
        (lambda v: v["train"].update(loss="dice"), "train.loss 'dice' is a term, not a sum: write {dice: 1.0}"),
        (lambda v: v["train"].update(head="sigmoid"), "there are 5 exclusive classes (field, woods, water, road, building)"),
        (lambda v: (v["train"].update(head="softmax"), v["encode"].update(labels="overlapping")), "set train.head to auto"),
        (lambda v: v["train"].update(class_weights=[1.0, 2.0]), "lists 2 weights, and there are 5 classes: field, woods"),
        (lambda v: v["train"].update(class_weights={"rood": 2}), "names 'rood', which is no class; did you mean road?"),
    ],
)
def test_what_cannot_be_is_refused_by_name(values: dict[str, Any], edit: Edit, said: str) -> None:
    edit(values)
    with pytest.raises(ParamsError) as caught:
        check_params(values)
    assert said in str(caught.value)
    assert "fix:" in str(caught.value)


@pytest.mark.parametrize(
    ("train", "line"),
    [
        ({"loss": {"lovaz": 1}}, "train.loss.lovaz = 'lovaz' is not known; did you mean lovasz?"),
        ({"loss": {"dice": -1}}, "train.loss.dice = -1: Input should be greater than or equal to 0"),
        (
            {"loss": "ce_dise"},
            "train.loss = 'ce_dise': Input should be 'ce_dice', 'bce_jaccard', 'dice_bce' or 'bce_log_dice', or a valid dictionary;"
            " did you mean ce_dice?",
        ),
        ({"dropout": 1.0}, "train.dropout = 1.0: Input should be less than 1"),
        ({"dropout": [0.0, 1.0]}, "train.dropout.1 = 1.0: Input should be less than 1"),
        ({"threshold": 0}, "train.threshold = 0: Input should be greater than 0"),
    ],
)
def test_a_setting_of_several_types_is_refused_in_one_line(values: dict[str, Any], train: dict[str, Any], line: str) -> None:
    """Without the types that were not meant, and without pydantic's names of them."""
    values["train"] |= train
    with pytest.raises(ParamsError) as caught:
        check_params(values)
    assert str(caught.value).splitlines()[1:-1] == [f"  - {line}"]


@pytest.mark.parametrize(
    ("labels", "train"),
    [
        ("overlapping", {"head": "sigmoid"}),
        ("exclusive", {"class_weights": [1, 2, 3, 4, 5]}),
        ("exclusive", {"class_weights": {"road": 2}}),
        ("exclusive", {"class_weights": "median_frequency"}),
    ],
)
def test_what_goes_with_the_classes_is_taken(values: dict[str, Any], labels: str, train: dict[str, Any]) -> None:
    values["encode"]["labels"] = labels
    values["train"] |= train
    assert check_params(values).train.head == train.get("head", "auto")


def test_all_problems_are_listed_at_once(values: dict[str, Any]) -> None:
    values["train"]["epochs"] = 0
    values["encode"]["unmatched"] = "maybe"
    with pytest.raises(ParamsError, match="2 settings") as caught:
        check_params(values)
    assert "train.epochs" in str(caught.value)
    assert "encode.unmatched" in str(caught.value)


def test_every_recipe_is_checked_and_all_problems_are_listed(values: dict[str, Any]) -> None:
    values["augment"]["recipes"]["mine"] = {"transforms": [{"name": "Bluur"}]}
    values["augment"]["recipes"]["none"]["transforms"] = [{"p": 1}]
    with pytest.raises(ParamsError, match="2 settings") as caught:
        check_params(values)
    assert "augment.recipes.mine.transforms[0]: Bluur" in str(caught.value)
    assert "augment.recipes.none.transforms[0] has no name" in str(caught.value)


def test_a_file_that_is_absent_or_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="make preset"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [1")
    with pytest.raises(ParamsError, match="is not YAML"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("- 1")
    with pytest.raises(ParamsError, match="holds a list"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"patience": [2, 4]}, "patience is not a train setting that can be searched"),
        ({"batch_size": {"low": 4, "high": 8}}, "give a list of choices"),
        ({"dropout": {"low": 0.0, "high": 1.5}}, "dropout offers 1.5"),
        ({"learning_rate": []}, "offers nothing"),
        ({"architecture": ["unet", "u_net"]}, "tune.space.architecture offers 'u_net'"),
        ({"precision": ["auto", "half"]}, "tune.space.precision offers 'half'"),
        ({"backbone_factor": [1.0, 0.0]}, "tune.space.backbone_factor offers 0.0"),
        ({"epochs": [8, 16]}, "epochs is not a train setting that can be searched"),
        # the first trial takes params.yaml's own values: resnet18, ce_dice, 8, 0.002, 0.0
        ({"backbone": ["mobilenetv2", None]}, "train.backbone = 'resnet18' lies outside tune.space.backbone"),
        ({"loss": ["bce_jaccard", "dice_bce"]}, "train.loss = 'ce_dice' lies outside tune.space.loss"),
        ({"batch_size": [2, 4]}, "train.batch_size = 8 lies outside tune.space.batch_size"),
        ({"learning_rate": {"low": 0.003, "high": 0.01}}, "train.learning_rate = 0.002 lies outside tune.space.learning_rate"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_the_search(values: dict[str, Any], space: dict[str, Any], said: str) -> None:
    values["tune"]["space"] = space
    with pytest.raises(ParamsError, match=said):
        check_params(values)


def test_values_that_no_range_can_hold_lie_outside_it(values: dict[str, Any]) -> None:
    values["tune"]["space"] = {"dropout": {"low": 0.0, "high": 0.5}}
    assert check_params(values).tune.space
    values["train"]["dropout"] = [0.1, 0.3, 0.3]
    with pytest.raises(ParamsError, match=r"lies outside tune\.space\.dropout"):
        check_params(values)


def test_without_a_search_its_space_may_be_anywhere(values: dict[str, Any]) -> None:
    values["tune"] |= {"trials": 0, "space": {"batch_size": [2, 4]}}
    assert check_params(values).train.batch_size == 8


def test_the_ends_of_a_range_are_in_it(values: dict[str, Any]) -> None:
    values["tune"]["space"] = {"learning_rate": {"low": 0.002, "high": 0.01}, "warmup": {"low": 0.0, "high": 0.1}}
    assert check_params(values).tune.trials


def test_a_trial_has_all_settings_but_those_of_the_final_training(values: dict[str, Any]) -> None:
    settings = check_params(values).train.of_a_trial
    assert set(values["train"]) - set(settings) == {"epochs", "patience", "monitor", "threshold"}
    assert settings["backbone"] == "resnet18"


def test_hyperparameters_are_laid_over_the_train_section(values: dict[str, Any]) -> None:
    train = check_params(values).train
    assert overlay_train(train, {"learning_rate": 1e-5}).learning_rate == 1e-5
    assert overlay_train(train, {}) == train
    with pytest.raises(ParamsError, match="batch_size"):
        overlay_train(train, {"batch_size": -1})


@pytest.mark.parametrize("name", [name for name in list_presets(ROOT / "presets") if name != "default"])
def test_every_preset_says_only_what_differs(name: str, tmp_path: Path) -> None:
    def same(base: Any, changed: dict[str, Any], place: str) -> list[str]:
        found = []
        for key, value in changed.items():
            if key == "space":  # a search space stands for itself
                continue
            if isinstance(value, dict) and isinstance(base.get(key), dict):
                found += same(base[key], value, f"{place}{key}.")
            elif base.get(key) == value:
                found.append(place + key)
        return found

    write_params(Path(name).name if "/" in name else "default", source=None, target=tmp_path / "base.yaml", folder=ROOT / "presets")
    assert same(read_yaml(tmp_path / "base.yaml"), read_yaml(ROOT / "presets" / f"{name}.yaml"), "") == []


@pytest.mark.parametrize("name", list(list_presets(ROOT / "presets")))
def test_every_preset_writes_usable_params(name: str, tmp_path: Path) -> None:
    target = tmp_path / "params.yaml"
    write_params(name, source=None, target=target, folder=ROOT / "presets")
    params = load_params(target)
    above = read_yaml(ROOT / "presets" / f"{Path(name).name}.yaml")
    assert params.source.name == above["source"]["name"]
    assert params.preset == name
    assert "#" in target.read_text()  # the explanations came along


def test_a_preset_in_a_folder_is_laid_over_the_one_of_its_name_above(tmp_path: Path) -> None:
    presets = tmp_path / "presets"
    (presets / "small").mkdir(parents=True)
    (presets / "default.yaml").write_text((ROOT / "presets" / "default.yaml").read_text())
    (presets / "street.yaml").write_text("# Streets\ntune: {trials: 0}\ntrain: {epochs: 99, batch_size: 3, loss: {dice: 1.0}}\n")
    (presets / "small" / "street.yaml").write_text("# Streets on two cores\ntrain: {epochs: 2}\n")
    write_params("small/street", source=None, target=tmp_path / "params.yaml", folder=presets)
    train = load_params(tmp_path / "params.yaml").train
    assert (train.epochs, train.batch_size, train.loss) == (2, 3, {"dice": 1.0})
    assert "P=small/street" in (tmp_path / "params.yaml").read_text()
    assert list(list_presets(presets).items())[1:] == [("street", "Streets"), ("small/street", "Streets on two cores")]


def test_nothing_of_an_earlier_preset_stays(tmp_path: Path) -> None:
    target = tmp_path / "params.yaml"
    write_params("default", source=None, target=target, folder=ROOT / "presets")
    before = target.read_bytes()
    write_params("dubai_aerial", source=None, target=target, folder=ROOT / "presets")
    write_params("default", source=None, target=target, folder=ROOT / "presets")
    assert target.read_bytes() == before


def test_a_source_outside_becomes_absolute_and_one_inside_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "project" / "pictures"
    inside.mkdir(parents=True)
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for source, expected in (("pictures", "pictures"), ("../elsewhere", outside.as_posix())):
        write_params("default", source=source, folder=ROOT / "presets")
        assert YAML(typ="safe").load(Path("params.yaml"))["source"]["path"] == expected


def test_an_unknown_preset_or_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="camvid"):
        write_params("camvit", source=None, target=tmp_path / "params.yaml", folder=ROOT / "presets")
    with pytest.raises(ParamsError, match="does not exist"):
        write_params("default", source=str(tmp_path / "none"), target=tmp_path / "params.yaml", folder=ROOT / "presets")
    assert not (tmp_path / "params.yaml").exists()
