import itertools
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from maskmill.errors import DataError, MaskmillError, ParamsError
from maskmill.parallel import Workers, work_through


def do_all(function, tasks, folder, **workers):
    return list(work_through(function, tasks, workers=Workers(**workers), folder=folder, description="working"))


def take_longer_when_early(number):
    time.sleep(0.02 if number < 3 else 0)
    return number * number


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("jobs", [1, 3])
def test_outcomes_come_in_the_order_of_their_tasks(tmp_path, backend, jobs):
    tasks = [(number,) for number in range(40)]
    assert do_all(take_longer_when_early, tasks, tmp_path, backend=backend, jobs=jobs) == [number**2 for number in range(40)]


def test_no_tasks_need_no_workers(tmp_path):
    assert do_all(take_longer_when_early, [], tmp_path, jobs=2) == []


def refuse(number):
    if number == 5:
        raise DataError("5.png is torn", expected="a whole file", fix="get it again")
    return number


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_an_error_keeps_what_it_says_between_processes(tmp_path, backend):
    with pytest.raises(DataError) as error:
        do_all(refuse, [(number,) for number in range(8)], tmp_path, backend=backend, jobs=2)
    assert (error.value.what, error.value.expected, error.value.fix) == ("5.png is torn", "a whole file", "get it again")


def read(name):
    return Path(name).read_text()


def test_processes_that_are_kept_follow_to_another_folder(tmp_path, monkeypatch):
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "note").write_text(place)
        monkeypatch.chdir(tmp_path / place)
        assert do_all(read, [("note",)] * 8, tmp_path, jobs=2) == [place] * 8


def note_and_die(number, victims, marks):
    """Note that the task began; its process is killed when it is one of the victims and was not killed before."""
    begun = itertools.count()
    mark = next(path for path in (marks / f"{number}.{count}" for count in begun) if not path.exists())
    mark.touch()
    if number in victims and mark.suffix == ".0":
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_the_tasks_of_a_killed_process_are_done_again(tmp_path, capsys):
    tasks = [(number, (9, 20), tmp_path) for number in range(30)]
    assert do_all(note_and_die, tasks, tmp_path, jobs=2) == list(range(30))
    assert {"9.0", "9.1", "20.0", "20.1"} <= {path.name for path in tmp_path.iterdir()}
    assert "a worker was lost" in capsys.readouterr().out


def die(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)


def test_work_that_kills_every_process_ends_in_an_error(tmp_path):
    with pytest.raises(MaskmillError, match=r"lost 3 times in a row, with [012] of 4 files done") as error:
        do_all(die, [(number,) for number in range(4)], tmp_path, jobs=2)
    assert "compute.jobs" in error.value.fix


@pytest.fixture
def no_cluster(monkeypatch, tmp_path):
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray._private.services.find_gcs_addresses", set)
    monkeypatch.setattr("ray._private.services.find_bootstrap_address", lambda _: None)


def test_a_cluster_that_does_not_run_is_not_started(tmp_path, no_cluster):
    import ray

    with pytest.raises(ParamsError, match="no Ray cluster answers on this machine") as error:
        do_all(refuse, [(1,)], tmp_path, backend="ray")
    assert "ray start --head" in error.value.fix
    assert "loky" in error.value.fix
    assert not ray.is_initialized()


@pytest.mark.parametrize("address", ["local", "ray://10.0.0.1:10001", "nonsense", "127.0.0.1:1"])
def test_addresses_of_no_cluster_are_refused_at_once(tmp_path, no_cluster, address):
    with pytest.raises(ParamsError, match=address):
        do_all(refuse, [(1,)], tmp_path, backend="ray", address=address)


def test_the_environment_names_the_cluster_where_the_settings_do_not(tmp_path, no_cluster, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ParamsError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        do_all(refuse, [(1,)], tmp_path, backend="ray")


def test_ray_that_is_not_installed_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ParamsError, match="not installed") as error:
        do_all(refuse, [(1,)], tmp_path, backend="ray")
    assert "maskmill[cluster]" in error.value.fix
