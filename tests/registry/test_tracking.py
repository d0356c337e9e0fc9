import math
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from maskmill.registry.tracking import Tracker, connect, flatten


def read(tracker: Tracker, run_id: str | None):
    assert tracker.client is not None
    return tracker.client.get_run(run_id)


def test_a_run_keeps_its_params_metrics_tags_and_files(tracker: Tracker, tmp_path: Path):
    record = tracker.start_run("train", tags={"kind": "train", "nothing": None})
    record.log_params({"train": {"learning_rate": 0.001, "loss": {"dice": 1.0}}, "seed": 0})
    record.log_metrics({"loss": 2.0, "val_dice": 0.25}, step=0)
    record.log_metrics({"loss": 1.0, "val_dice": 0.5}, step=1)
    (tmp_path / "curves.png").write_bytes(b"picture")
    record.log_artifact(tmp_path / "curves.png", "figures")
    record.log_text("a change", "lineage/uncommitted.diff")
    record.finish()

    run = read(tracker, record.run_id)
    assert run.data.params == {"train.learning_rate": "0.001", "train.loss.dice": "1.0", "seed": "0"}
    assert run.data.metrics == {"loss": 1.0, "val_dice": 0.5}
    assert run.data.tags["kind"] == "train"
    assert "nothing" not in run.data.tags
    assert (run.info.status, run.info.run_name) == ("FINISHED", "train")
    assert [metric.value for metric in tracker.client.get_metric_history(record.run_id, "loss")] == [2.0, 1.0]
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    assert (folder / "figures" / "curves.png").read_bytes() == b"picture"
    assert (folder / "lineage" / "uncommitted.diff").read_text() == "a change"


def test_a_folder_is_logged_with_all_in_it(tracker: Tracker, tmp_path: Path):
    (tmp_path / "figures" / "deep").mkdir(parents=True)
    (tmp_path / "figures" / "deep" / "a.txt").write_text("a")
    record = tracker.start_run("evaluate", tags={})
    record.log_artifact(tmp_path / "figures", "pictures")
    folder = Path(read(tracker, record.run_id).info.artifact_uri.removeprefix("file://"))
    assert (folder / "pictures" / "deep" / "a.txt").read_text() == "a"


def test_nan_stays_nan(tracker: Tracker):
    record = tracker.start_run("train", tags={})
    record.log_metrics({"dice/absent": math.nan, "loss": 1.0}, step=3)
    metrics = read(tracker, record.run_id).data.metrics
    assert math.isnan(metrics["dice/absent"])
    assert metrics["loss"] == 1.0


def test_class_names_that_mlflow_does_not_allow_are_made_to_fit(tracker: Tracker):
    record = tracker.start_run("train", tags={})
    record.log_metrics({"dice/sign (stop), 50%": 0.5})
    assert read(tracker, record.run_id).data.metrics == {"dice/sign _stop__ 50_": 0.5}


def test_more_than_a_batch_and_longer_than_the_limit_arrives(tracker: Tracker):
    record = tracker.start_run("train", tags={})
    record.log_params({f"setting{number}": number for number in range(230)} | {"long": "x" * 9000})
    record.log_history({step: {"loss": float(step)} for step in range(1500)})
    run = read(tracker, record.run_id)
    assert len(run.data.params) == 231
    assert run.data.params["long"] == "x" * 6000
    assert len(tracker.client.get_metric_history(record.run_id, "loss")) == 1500


def test_another_value_of_a_param_is_refused_and_the_run_goes_on(tracker: Tracker, capsys: pytest.CaptureFixture):
    record = tracker.start_run("train", tags={})
    record.log_params({"epochs": 3})
    record.log_params({"epochs": 4})
    record.log_metrics({"loss": 1.0})
    assert "MLflow did not record this" in capsys.readouterr().out
    assert read(tracker, record.run_id).data.metrics == {"loss": 1.0}
    assert read(tracker, record.run_id).data.params == {"epochs": "3"}


def test_a_missing_file_does_not_end_the_recording(tracker: Tracker, tmp_path: Path):
    record = tracker.start_run("train", tags={})
    record.log_artifact(tmp_path / "absent.png")
    record.log_metrics({"loss": 1.0})
    assert read(tracker, record.run_id).data.metrics == {"loss": 1.0}


def test_the_run_that_mlflow_run_announces_becomes_the_parent_and_is_not_joined(tracker: Tracker, monkeypatch: pytest.MonkeyPatch):
    outer = tracker.start_run("mlflow run", tags={})
    monkeypatch.setenv("MLFLOW_RUN_ID", outer.run_id)
    record = tracker.start_run("train", tags={})
    assert record.run_id != outer.run_id
    assert read(tracker, record.run_id).data.tags["mlflow.parentRunId"] == outer.run_id
    trial = tracker.start_run("trial", tags={}, parent=record.run_id)
    assert read(tracker, trial.run_id).data.tags["mlflow.parentRunId"] == record.run_id


def test_an_interrupted_run_is_resumed_and_an_ended_one_opened(tracker: Tracker):
    record = tracker.start_run("train", tags={})
    record.finish("KILLED")
    opened = tracker.open_run(record.run_id)
    opened.log_metrics({"test_dice": 0.5})
    assert read(tracker, record.run_id).info.status == "KILLED"
    resumed = tracker.resume_run(record.run_id)
    assert resumed.run_id == record.run_id
    assert read(tracker, record.run_id).info.status == "RUNNING"


@pytest.mark.parametrize("run_id", [None, "0" * 32, "no id at all"])
def test_a_run_that_the_store_does_not_know_is_none(tracker: Tracker, run_id: str | None, capsys: pytest.CaptureFixture):
    assert tracker.resume_run(run_id) is None
    assert tracker.open_run(run_id) is None
    assert capsys.readouterr().out == ""


def test_a_deleted_run_is_none(tracker: Tracker):
    record = tracker.start_run("train", tags={})
    tracker.client.delete_run(record.run_id)
    assert tracker.resume_run(record.run_id) is None


def use_every_method(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    record = tracker.start_run("train", tags={"a": 1})
    record.log_params({"a": 1})
    record.log_metrics({"loss": 1.0})
    record.log_history({0: {"loss": 1.0}})
    record.set_tags({"a": 2})
    record.log_artifact(tmp_path / "file")
    record.log_text("text", "file.txt")
    record.finish()
    assert record.run_id is None
    assert tracker.resume_run("0" * 32) is None
    assert tracker.find_run("a", "1") is None


def test_without_a_server_the_run_goes_on_and_says_so_once(free_port: int, tmp_path: Path, capsys: pytest.CaptureFixture):
    began = time.monotonic()
    tracker = connect(f"http://127.0.0.1:{free_port}", "maskmill")
    use_every_method(tracker, tmp_path)
    assert time.monotonic() - began < 5
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert f"http://127.0.0.1:{free_port} cannot be used; this run goes on without being recorded" in lines[0]


def test_a_server_that_never_answers_costs_seconds_only(tmp_path: Path, capsys: pytest.CaptureFixture):
    silent = threading.Event()

    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            silent.wait(30)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Silent) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        began = time.monotonic()
        use_every_method(connect(f"http://127.0.0.1:{server.server_address[1]}", "maskmill"), tmp_path)
        took = time.monotonic() - began
        silent.set()
        server.shutdown()
    assert took < 12
    assert "cannot be used" in capsys.readouterr().out


def test_a_file_that_is_no_database_does_not_stop_the_run(tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "bad.db").write_text("this is text" * 100)
    use_every_method(connect(f"sqlite:///{tmp_path}/bad.db", "maskmill"), tmp_path)
    assert "goes on without being recorded" in capsys.readouterr().out


def test_a_server_that_dies_midway_does_not_stop_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    class Once(BaseHTTPRequestHandler):
        """A server that knows one experiment and creates one run."""

        def do_GET(self) -> None:
            self.answer(b'{"experiment": {"experiment_id": "1", "name": "maskmill", "lifecycle_stage": "active"}}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(b'{"run": {"info": {"run_id": "abc", "run_uuid": "abc", "experiment_id": "1"}, "data": {}}}')

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Once)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tracker = connect(f"http://127.0.0.1:{server.server_address[1]}", "maskmill")
    record = tracker.start_run("train", tags={})
    assert record.run_id == "abc"
    server.shutdown()
    server.server_close()

    for step in range(3):
        record.log_metrics({"loss": 1.0}, step)
    record.finish()
    assert tracker.client is None
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert "no longer answers" in lines[0]


def test_flatten_joins_names_and_keeps_empty_sections():
    assert flatten({"a": {"b": {"c": 1}, "d": [1, 2]}, "e": {}}) == {"a.b.c": 1, "a.d": [1, 2], "e": {}}
