from pathlib import Path

from maskmill.registry.restore import restore_run
from maskmill.registry.tracking import Tracker

RUN = {"run_id": "f" * 32, "device": {"kind": "gpu", "name": "H200", "backend": "tensorflow"}, "git_commit": "abc"}


def test_a_run_that_the_store_knows_is_taken_as_it_is(tracker: Tracker, history: Path):
    record = tracker.start_run("train", tags={})
    record.finish()
    assert restore_run(tracker, {**RUN, "run_id": record.run_id}, params={}, history=history).run_id == record.run_id
    assert tracker.client.get_run(record.run_id).info.status == "FINISHED"


def test_an_unknown_run_gets_its_record_made_again_once(tracker: Tracker, history: Path):
    record = restore_run(tracker, RUN, params={"train": {"epochs": 2}}, history=history)
    assert record.run_id not in (None, RUN["run_id"])
    run = tracker.client.get_run(record.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"train.epochs": "2"}
    assert run.data.tags["maskmill.restored_from"] == RUN["run_id"]
    assert run.data.tags["maskmill.device_name"] == "H200"
    assert [(m.step, m.value) for m in tracker.client.get_metric_history(record.run_id, "loss")] == [(0, 1.5), (1, 0.5)]
    assert restore_run(tracker, RUN, params={"train": {"epochs": 2}}, history=history).run_id == record.run_id


def test_runs_that_went_unrecorded_are_told_apart_by_their_history(tracker: Tracker, history: Path, tmp_path: Path):
    unrecorded = {**RUN, "run_id": None}
    first = restore_run(tracker, unrecorded, params={}, history=history)
    assert restore_run(tracker, unrecorded, params={}, history=history).run_id == first.run_id
    other = tmp_path / "other.csv"
    other.write_text("epoch,loss\n0,9.0\n")
    assert restore_run(tracker, unrecorded, params={}, history=other).run_id != first.run_id
