"""What is read off a run's record, by hand-made records."""

import json
from pathlib import Path

import pandas as pd
import pytest
from mlflow.entities import Run, RunData, RunInfo, RunTag

from maskmill.registry.restore import restore_run
from maskmill.reporting.facts import describe_command, describe_model, describe_origin
from maskmill.reporting.record import Record, read_record


def make_record(tmp_path: Path, *, heading: str = "", tags: dict[str, str] | None = None, seconds: float = 0.0, versions=()):
    start = 1_700_000_000_000  # 2023-11-14 22:13:20 UTC
    info = RunInfo("ab" * 16, "1", "me", "FINISHED", start, start + round(seconds * 1000), "active")
    run = Run(info, RunData(tags=[RunTag(name, value) for name, value in (tags or {}).items()]))
    return Record(run, "streets", "some streets", tmp_path, {}, heading, pd.DataFrame(), list(versions))


@pytest.mark.parametrize(
    ("heading", "command"),
    [
        ("# Written by: make preset P=default", "make preset P=default && make repro"),
        (
            "# Written by: make preset P=cpu/camvid SOURCE=/data/sets/camvid.tar",
            "make preset P=cpu/camvid SOURCE=camvid.tar && make repro",
        ),
        ("# Written by: make preset P=own SOURCE=../my photos/", "make preset P=own SOURCE='my photos' && make repro"),
        (
            "# Written by: make preset P=auto SOURCE=/data/x PICK=suffix PICK=labels",
            "make preset P=auto SOURCE=x PICK=suffix PICK=labels && make repro",
        ),
        ("paths:", None),
        ("", None),
    ],
)
def test_the_command_names_the_data_by_its_file_alone(heading, command, tmp_path):
    assert describe_command(make_record(tmp_path, heading=heading)) == command


@pytest.mark.parametrize(("name", "backbone"), [("segnet", None), ("unet resnet34", "resnet34")])
def test_a_backbone_is_said_of_architectures_that_take_one(name, backbone, tmp_path):
    (tmp_path / "training").mkdir()
    architecture = name.split()[0]
    run = {"model": {"name": name}, "train": {"architecture": architecture, "backbone": "resnet34", "weights": "none"}}
    (tmp_path / "training" / "run.json").write_text(json.dumps(run))
    facts = dict(describe_model(make_record(tmp_path)))
    assert (facts["architecture"], facts.get("backbone"), facts["weights"]) == (architecture, backbone, "none")


@pytest.mark.parametrize(("seconds", "said"), [(59.4, "0 min 59 s"), (911.0, "15 min 11 s"), (7384.0, "2 h 3 min")])
def test_when_and_how_long(seconds, said, tmp_path):
    facts = dict(describe_origin(make_record(tmp_path, seconds=seconds)))
    assert facts["date"] == "2023-11-14 22:13 UTC"
    assert facts["time of training"] == said


def test_code_and_registry(tmp_path):
    tags = {"maskmill.git_commit": "0123456789abcdef", "maskmill.git_dirty": "True"}
    record = make_record(tmp_path, tags=tags, versions=[("maskmill", "4", ("candidate", "champion")), ("maskmill", "2", ())])
    facts = dict(describe_origin(record))
    assert facts["commit"] == "0123456789 with uncommitted changes"
    assert facts["registered as"] == "maskmill version 4 (candidate, champion); maskmill version 2"


def test_a_record_made_later_tells_no_time_of_training(tmp_path):
    facts = dict(describe_origin(make_record(tmp_path, tags={"maskmill.restored_from": "cd" * 16}, seconds=1.0)))
    assert facts["date"] == "2023-11-14 22:13 UTC, of the record"
    assert "time of training" not in facts


def test_an_epoch_that_was_repeated_has_its_later_figures(tracker, tmp_path):
    run = tracker.start_run("train", tags={"maskmill.kind": "train"})
    for step, loss in ((1, 3.0), (2, 2.5), (2, 2.0), (3, 1.0)):
        run.log_metrics({"loss": loss}, step)
    run.finish()
    record = read_record(tracker, tracker.client.get_run(run.run_id), tmp_path / "run")
    assert record.history.to_dict("list") == {"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0]}


def test_a_run_of_another_machine_has_settings_history_and_version(tracker, tmp_path):
    history = tmp_path / "history.csv"
    history.write_text("epoch,loss,val_dice\n1,1.5,0.25\n2,0.5,0.75\n")
    run = {"run_id": "e" * 32, "device": {"kind": "gpu", "name": "a GPU", "precision": "float32"}, "train": {"epochs": 2}}
    params = {"preset": "streets", "source": {"name": "some streets"}, "train": {"epochs": 2}}
    made = restore_run(tracker, run, params=params, history=history)
    tracker.client.create_registered_model("of_another_machine")
    version = tracker.client.create_model_version("of_another_machine", source=tmp_path.as_uri(), run_id=made.run_id)
    tracker.client.set_registered_model_alias("of_another_machine", "candidate", version.version)
    record = read_record(tracker, tracker.client.get_run(made.run_id), tmp_path / "run")
    assert (record.preset, record.source_name) == ("streets", "some streets")
    assert record.read_json("training/run.json") == run
    assert record.history["val_dice"].tolist() == [0.25, 0.75]
    assert record.versions == [("of_another_machine", "1", ("candidate",))]
