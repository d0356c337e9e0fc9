import subprocess
from pathlib import Path

import pytest

from maskmill.registry.lineage import git_state, hash_samples, log_lineage
from maskmill.registry.tracking import Tracker


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.com"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "results").mkdir(parents=True)
    for name in ("params.yaml", "dvc.lock", "results/metrics.json", "code.py"):
        (folder / name).write_text("before\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_a_clean_checkout_is_its_commit(checkout: Path):
    state = git_state(checkout)
    assert state.commit == git(checkout, "rev-parse", "HEAD").strip()
    assert not state.dirty


def test_what_stages_write_makes_no_checkout_dirty(checkout: Path):
    (checkout / "dvc.lock").write_text("after\n")
    (checkout / "results" / "metrics.json").write_text("after\n")
    assert not git_state(checkout).dirty


def test_the_diff_holds_edited_staged_and_new_files(checkout: Path):
    (checkout / "code.py").write_text("edited\n")
    (checkout / "params.yaml").write_text("staged\n")
    git(checkout, "add", "params.yaml")
    (checkout / "new.py").write_text("new\n")
    state = git_state(checkout)
    assert state.dirty
    assert all(f"+{word}\n" in state.diff for word in ("edited", "staged", "new"))
    (checkout / "patch").write_text(state.diff)
    git(checkout, "reset", "-q", "--hard")
    (checkout / "new.py").unlink()
    git(checkout, "apply", "patch")  # the commit and the diff together are the code that ran
    assert (checkout / "new.py").read_text() == "new\n"
    assert (checkout / "code.py").read_text() == "edited\n"


def test_outside_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    state = git_state(tmp_path)
    assert (state.commit, state.dirty) == (None, False)


def test_a_run_carries_where_it_came_from(tracker: Tracker, checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DVC_EXP_NAME", "brave-name")
    (checkout / "code.py").write_text("edited\n")
    (checkout / "params.yaml").write_text("preset: streets\n")
    record = tracker.start_run("train", tags={})
    state = log_lineage(record, data_hash="d" * 64, device={"kind": "cpu", "name": "a CPU", "backend": "jax"}, checkout=checkout)
    run = tracker.client.get_run(record.run_id)
    assert run.data.tags["maskmill.git_commit"] == state.commit
    assert run.data.tags["maskmill.git_dirty"] == "True"
    assert run.data.tags["maskmill.data_hash"] == "d" * 64
    assert run.data.tags["maskmill.device_kind"] == "cpu"
    assert run.data.tags["maskmill.preset"] == "streets"
    assert run.data.tags["maskmill.dvc_exp"] == "brave-name"
    folder = Path(run.info.artifact_uri.removeprefix("file://")) / "lineage"
    assert sorted(path.name for path in folder.iterdir()) == ["dvc.lock", "params.yaml", "uncommitted.diff"]


def test_samples_have_one_hash_however_they_are_divided(tmp_path):
    def write(name, *rows):
        (tmp_path / name).write_text("\n".join(["id,split,group,pixels_a", *rows]) + "\n")
        return hash_samples(tmp_path / name)

    first = write("first.csv", "0016E5,train,NA,7", "b,val,2,8")
    assert write("other.csv", "0016E5,val,NA,7", "b,train,2,8") == first
    assert write("pixels.csv", "0016E5,train,NA,7", "b,val,2,9") != first
    assert write("groups.csv", "0016E5,train,,7", "b,val,2,8") != first
