"""`maskmill experiment`, which `mlflow run` calls: settings are checked before DVC is asked."""

import subprocess
from pathlib import Path

import pytest

from maskmill import experiments
from maskmill.errors import ParamsError
from maskmill.presets import write_params

ROOT = Path(__file__).parents[1]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A project with default settings, and what DVC is asked in it."""
    monkeypatch.chdir(tmp_path)
    write_params("default", source=None, folder=ROOT / "presets")
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        commands.append(command[3:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_a_searched_value_set_by_hand_switches_the_search_off(asked: list[list[str]]) -> None:
    assert experiments.run_experiment("train", ["--learning_rate", "0.001"]) == 0
    assert asked == [["exp", "run", "-S", "train.learning_rate=0.001", "-S", "tune.trials=0", "train"]]


def test_a_name_belongs_to_the_stage_unless_it_says_a_section(asked: list[list[str]]) -> None:
    experiments.run_experiment("evaluate", ["--pictures", "5", "--train.epochs", "2"])
    assert asked == [["exp", "run", "-S", "evaluate.pictures=5", "-S", "train.epochs=2", "evaluate"]]


def test_lists_and_null_are_read_as_dvc_reads_them(asked: list[list[str]]) -> None:
    experiments.run_experiment("train", ["--decoder_filters", "[64, 32, 16]", "--scale.image_size", "[128, 128]"])
    assert asked[0][2:6] == ["-S", "train.decoder_filters=[64, 32, 16]", "-S", "scale.image_size=[128, 128]"]


@pytest.mark.parametrize(
    ("stage", "arguments", "said"),
    [
        ("train", ["--learning_rate", "abc"], "train.learning_rate = 'abc'"),
        ("train", ["--learnin_rate", "1"], "did you mean learning_rate"),
        ("train", ["--classes.0.name", "x"], "classes is no section"),
        ("train", ["--train.loss", "[1,"], "train.loss"),
        ("trian", [], "there is no stage 'trian'"),
        ("train", ["0.1"], "cannot read the settings"),
    ],
)
def test_what_cannot_be_never_reaches_dvc(asked: list[list[str]], stage: str, arguments: list[str], said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        experiments.run_experiment(stage, arguments)
    assert asked == []
