"""Encode and augment on a real Ray cluster of two nodes, of which one is lost."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor
from PIL import Image
from ruamel.yaml import YAML

from maskmill import cluster as cluster_module
from maskmill.data import encoding, packing
from maskmill.errors import DataError, ParamsError
from maskmill.labels import build_class_table
from maskmill.parallel import Workers, work_through
from maskmill.sources.settings import Reading

os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", cluster_module.NOISE)  # Ray reads it once, when it is imported
ray = pytest.importorskip("ray")

ROOT = Path(__file__).parents[1]
FIELD, WOODS = (214, 193, 96), (34, 110, 52)
CLASSES = [{"id": 0, "name": "field", "colours": [FIELD]}, {"id": 1, "name": "woods", "colours": [WOODS]}]
SAMPLES = 120
PATIENCE = 120  # seconds
NODE = {"num_cpus": 2, "object_store_memory": 100 * 2**20, "include_dashboard": False}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "what the test waits for has not come"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def cluster():
    """A cluster with its head alone, started in another folder than the tests run in."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        place = Path(tempfile.mkdtemp(prefix="ray"))  # short: Ray has sockets in it
        sessions = place / "ray"  # where Ray looks below RAY_TMPDIR, and expects a folder
        sessions.mkdir()
        monkeypatch.setenv("RAY_TMPDIR", str(place))
        monkeypatch.chdir(place)
        started = Cluster(initialize_head=True, head_node_args={**NODE, "temp_dir": str(sessions)})
        monkeypatch.chdir(Path(__file__).parent)
        try:
            yield started
        finally:
            ray.shutdown()
            started.shutdown()
            shutil.rmtree(place)


@pytest.fixture
def second(cluster):
    """The cluster's second node; gone after the test."""
    node = cluster.add_node(num_cpus=2, object_store_memory=NODE["object_store_memory"])
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node, allow_graceful=False)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder, the working directory, with composites of 24 x 40 (and their masks) and a manifest of two parts."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    rows = []
    for folder in ("data", "build/raw"):
        Path(folder).mkdir(parents=True)
    for number in range(SAMPLES):
        photo = generator.integers(0, 256, (24, 40, 3), np.uint8)
        mask = np.where(generator.integers(0, 2, (24, 40, 1), np.uint8), np.uint8(FIELD), np.uint8(WOODS))
        path = f"data/{number:03}.png"
        Image.fromarray(np.hstack([photo, mask])).save(path)
        rows.append((f"s{number:03}", path, path, "", "train" if number % 6 else "val", f"flight{number // 4}", "-"))
    columns = ["id", "image", "mask", "window", "split", "group", "sha256"]
    pd.DataFrame(rows, columns=columns).to_csv("build/raw/manifest.csv", index=False)
    yield tmp_path
    get_reusable_executor().shutdown()  # its processes would go on in this folder


def read_all(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def encode(encoded_dir, workers):
    encoding.encode_samples(
        pd.read_csv("build/raw/manifest.csv", keep_default_na=False),
        form="composite",
        reading=Reading(),
        class_table=build_class_table(CLASSES),
        labels="exclusive",
        encoded_dir=Path(encoded_dir),
        tolerance=0.0,
        unmatched="error",
        mask_size="error",
        assign=lambda manifest, presence: manifest,
        progress_dir=Path(f".maskmill/{Path(encoded_dir).name}"),
        workers=workers,
    )


def pack(arrays_dir, workers):
    packing.pack_arrays(
        pd.read_csv("encoded/samples.csv"),
        Path("encoded"),
        Path(arrays_dir),
        policy="fit",
        image_size=(24, 24),
        factor=1.0,
        copies=2,
        total=None,
        transforms=[{"name": "D4"}, {"name": "GaussNoise", "p": 1.0}],
        seed=7,
        workers=workers,
    )


def watch(function, marks, doomed, most, number, *task):
    """Do a task, noting on which node; on the one that is to be lost, keep back its outcome once `most` are done there."""
    node = ray.get_runtime_context().get_node_id()
    place = f"{node}.{os.getpid()}"
    (marks / "begun" / f"{number}.{place}").touch()
    outcome = function(*task)
    if node == doomed and len(list(marks.glob(f"done/*.{node}.*"))) >= most:
        (marks / "waiting" / place).touch()
        wait_for((marks / "lost").exists)
    (marks / "done" / f"{number}.{place}").touch()
    return outcome


class Loss:
    """Ends the second node with SIGKILL in the middle of what is described as `of`.

    That is when the other node has done some of it, and this one has done `most` and is at work on more.
    """

    def __init__(self, cluster, node, marks, of, most):
        self.cluster, self.node, self.marks, self.of, self.most = cluster, node, marks.absolute(), of, most
        self.thread = threading.Thread(target=self.end_the_node)

    def work_through(self, function, tasks, *, description, **settings):
        if description == self.of:
            for name in ("begun", "done", "waiting"):
                (self.marks / name).mkdir(parents=True)
            function = partial(watch, function, self.marks, self.node.node_id, self.most)
            tasks = [(number, *task) for number, task in enumerate(tasks)]
            self.thread.start()
        return work_through(function, tasks, description=description, **settings)

    def end_the_node(self):
        wait_for(lambda: self.list("waiting") and any(self.node.node_id not in done for done in self.list("done")))
        self.cluster.remove_node(self.node, allow_graceful=False)
        processes = [int(place.split(".")[1]) for place in self.list("waiting")]
        wait_for(lambda: not any(Path(f"/proc/{process}").exists() for process in processes))
        (self.marks / "lost").touch()

    def list(self, what):
        return sorted(os.listdir(self.marks / what))  # noqa: PTH208

    def count_repeated(self):
        """Return how many tasks were begun on the second node, never done there, and done on the first."""
        here, there = (
            {
                what: {int(mark.split(".")[0]) for mark in self.list(what) if (self.node.node_id in mark) == lost}
                for what in ("begun", "done")
            }
            for lost in (False, True)
        )
        assert len(there["done"]) >= self.most
        return len((there["begun"] - there["done"]) & here["done"])


@pytest.fixture
def lose_node(cluster, second, monkeypatch):
    """Have the second node end in the middle of the work of a module of maskmill.data."""

    def lose(module, of, most):
        loss = Loss(cluster, second, Path("marks"), of, most)
        monkeypatch.setattr(module, "work_through", loss.work_through)
        return loss

    return lose


STAGES = {"encode": (encode, encoding, "encoding", "encoded", 8), "pack": (pack, packing, "packing train", "arrays", 0)}


@pytest.mark.parametrize("stage", STAGES)
def test_a_node_that_is_lost_midway_costs_nothing_but_time(cluster, project, lose_node, capsys, stage):
    if stage == "pack":
        encode("encoded", Workers("loky", 2))
    work, module, of, output, most = STAGES[stage]
    loss = lose_node(module, of, most)
    work(f"by_ray/{output}", Workers("ray", -1, cluster.address))
    loss.thread.join()
    assert loss.count_repeated() > 0
    shown = capsys.readouterr().out
    assert "a worker was lost" in shown
    assert "raylet" not in shown
    module.work_through = work_through
    for backend in ("loky", "threading"):
        work(f"by_{backend}/{output}", Workers(backend, 2))
        assert read_all(f"by_{backend}/{output}") == read_all(f"by_ray/{output}")


def run_stage(name, project):
    done = subprocess.run(
        [sys.executable, ROOT / "stages" / f"{name}.py"], cwd=project, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_stages_run_on_the_cluster(cluster, second, project):
    yaml = YAML()
    params = yaml.load(ROOT / "presets" / "default.yaml")
    params["scale"]["image_size"] = [24, 24]
    params["classes"] = CLASSES
    (project / "results" / "validate").mkdir(parents=True)
    (project / "results" / "validate" / "result.json").write_text('{"success": true, "checks": []}')
    outputs = {}
    for backend, address in (("ray", cluster.address), ("loky", None)):
        params["compute"].update(backend=backend, jobs=2, address=address)
        yaml.dump(params, project / "params.yaml")
        for name in ("encode", "augment"):
            shown = run_stage(name, project)
            assert "raylet" not in shown.stdout + shown.stderr
        outputs[backend] = {**read_all("build/encoded"), **read_all("build/arrays")}
        shutil.rmtree("build/encoded")
        shutil.rmtree("build/arrays")
    assert "train/images.npy" in outputs["ray"]
    assert outputs["ray"] == outputs["loky"]


def refuse(number):
    if number == 5:
        raise DataError("5.png is torn", expected="a whole file", fix="get it again")
    return number, os.getcwd()  # noqa: PTH109


def try_to_refuse(folder, address):
    return list(
        work_through(refuse, [(number,) for number in range(8)], workers=Workers("ray", 2, address), folder=folder, description="")
    )


def test_an_error_of_a_task_comes_back_as_it_was(cluster, project):
    with pytest.raises(DataError) as error:
        try_to_refuse(project, cluster.address)
    assert (error.value.what, error.value.expected, error.value.fix) == ("5.png is torn", "a whole file", "get it again")


def test_other_software_on_a_node_is_named(cluster, project, monkeypatch):
    here = cluster_module.describe_software()
    monkeypatch.setattr(cluster_module, "describe_software", lambda: {**here, "pillow": "0.1"})
    with pytest.raises(ParamsError, match=rf"has pillow {here['pillow']}, not 0\.1"):
        try_to_refuse(project, cluster.address)
    assert not list(project.glob(".shared*"))


@pytest.fixture
def node_apart(cluster, project):
    """A node that has a file system of its own where this one has the project."""
    apart = ["unshare", "--mount", "--map-root-user", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']
    if subprocess.run([*apart, project, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no mounts of one's own")
    cluster_module.connect(cluster.address)
    before = cluster_module.list_machines()
    start = ["start", "--block", f"--address={cluster.address}", "--num-cpus=1", f"--object-store-memory={100 * 2**20}"]
    node = subprocess.Popen([*apart, project, sys.executable, "-m", "ray.scripts.scripts", *start], stdout=subprocess.DEVNULL)
    wait_for(lambda: len(cluster_module.list_machines()) > len(before))
    yield
    node.terminate()
    node.wait(PATIENCE)
    wait_for(lambda: cluster_module.list_machines() == before)


def test_a_node_that_does_not_share_the_files_is_named(cluster, node_apart, project):
    with pytest.raises(ParamsError, match=r"\(\d+\.\d+\.\d+\.\d+\): .*No such file or directory") as error:
        try_to_refuse(project, cluster.address)
    assert str(project) in error.value.what
    assert error.value.what.count("\n") == 1, "the head was named, too"
    assert not list(project.glob(".shared*"))
