"""Work shared out to an existing Ray cluster through joblib's backend of Ray, after a check that its machines share the files."""

import hashlib
import logging
import os
import platform
import shutil
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from joblib import Parallel, delayed

from maskmill.errors import MaskmillError, ParamsError, summarise_problems

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.util.placement_group import PlacementGroup

ANSWER = 60  # seconds for a machine to say what it sees
ROOM = 60  # seconds for the cluster to make room; it takes 15 until Ray counts a lost machine no more
ROOM_EACH = 5  # seconds of them for as many processes as are wanted, then as many as there is room for
START = 120  # seconds for all processes to start
LIBRARIES = ("albumentations", "numpy", "opencv-python-headless", "pillow", "pycocotools", "rasterio", "shapely")  # decide bytes
HOW_TO_START = (
    "start one: `ray start --head` here, `ray start --address=HOST:6379` on the other machines; or set compute.backend to loky, "
    "which needs none"
)
NOISE = "Raylet is terminated|has been marked dead"  # what Ray prints of a lost machine, 20 lines of its log; a loss is told by us
Outcome = TypeVar("Outcome")


class WorkerLostError(Exception):
    """A process or a machine of the cluster ended before its work did."""


def share_out_on_cluster(
    function: Callable[..., Outcome], tasks: Sequence[tuple[Any, ...]], *, jobs: int, address: str | None, folder: Path
) -> Iterator[Outcome]:
    """Yield what `function` returns for each tuple of arguments, in their order, worked on by a Ray cluster.

    Args:
        function: does the work on one file.
        tasks: its arguments; paths may be relative to the working directory.
        jobs: how many at a time; -1: one a CPU of the cluster.
        address: "host:port" of the cluster; None: the one that RAY_ADDRESS names, or that runs on this machine.
        folder: where the function writes; exists.

    Raises:
        ParamsError: there is no such cluster, or a machine of it does not share the files or has other software.
        WorkerLostError: outcomes that have not been yielded are lost.
    """
    connect(address)
    from ray.exceptions import RayError, RayTaskError

    check_machines(folder, list_machines())
    try:
        with _reserve(jobs) as (room, count):
            yield from _start(function, tasks, room, count)
    except RayTaskError:  # of the work, not of the cluster: what cannot be sent between processes
        raise
    except RayError as error:
        raise WorkerLostError(str(error)) from error


def connect(address: str | None) -> None:
    """Connect this process to a Ray cluster that runs; never start one.

    Raises:
        ParamsError: Ray is not installed, or no cluster answers.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", NOISE)
    try:
        import ray
    except ModuleNotFoundError:
        raise ParamsError(
            "compute.backend is ray, but Ray is not installed",
            fix='pip install "maskmill[cluster]", or set compute.backend to loky',
        ) from None
    if ray.is_initialized():
        return
    head = _find_head(address)
    try:
        ray.init(address=head, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:  # other versions; this machine is none of the cluster's
        raise ParamsError(
            f"the Ray cluster at {head} cannot be used: {error}",
            expected="a cluster that this machine belongs to, with the same Python and Ray",
            fix=HOW_TO_START,
        ) from error


def _find_head(address: str | None) -> str:
    """Return "host:port" of a cluster that answers. Ray itself would try for minutes."""
    from ray._private.services import canonicalize_bootstrap_address_or_die

    named = address or os.environ.get("RAY_ADDRESS") or "auto"
    if named == "local" or "://" in named:
        raise ParamsError(f"compute.address is {named!r}", expected="host:port of a running Ray cluster, or null", fix=HOW_TO_START)
    try:
        head = canonicalize_bootstrap_address_or_die(named)
        host, _, port = head.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except ValueError:
        raise ParamsError(f"compute.address is {named!r}", expected="host:port, such as 10.0.0.1:6379, or null") from None
    except OSError as error:
        where = "on this machine (compute.address is null)" if named == "auto" else f"at {named}"
        raise ParamsError(f"compute.backend is ray, but no Ray cluster answers {where}: {error}", fix=HOW_TO_START) from None
    return head


def list_machines() -> frozenset[str]:
    """Return the numbers of the machines that the cluster has now; one that is lost is among them until Ray notices."""
    import ray

    return frozenset(machine["NodeID"] for machine in ray.nodes() if machine["Alive"])


@cache  # a stage works several times in the same folder
def check_machines(folder: Path, machines: frozenset[str]) -> None:
    """Make machines of the cluster read and write in `folder`, and say which software they have.

    Raises:
        ParamsError: a machine does not share the working directory or `folder`, or has other software; all are named.
    """
    import ray

    names = {node["NodeID"]: f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})" for node in ray.nodes()}
    shared = folder.absolute() / f".shared.{uuid.uuid4().hex}"
    shared.mkdir()
    try:
        (shared / "token").write_text(shared.name)
        answers = {machine: _ask(machine, shared) for machine in machines}
        problems = [
            f"{names[machine]}: {problem}"
            for machine, answer in answers.items()
            for problem in _find_problems(machine, answer, shared)
        ]
    finally:
        shutil.rmtree(shared)
    if problems:
        raise ParamsError(
            f"compute.backend is ray, but machines of the cluster cannot do the work:\n{summarise_problems(sorted(problems))}",
            expected=f"every machine reads and writes {folder.absolute()} under this path, and has the same software as this one",
            fix="mount the same storage at the same path on all of them (docs/cluster.md), or set compute.backend to loky",
        )


def _ask(machine: str, shared: Path) -> "ObjectRef":
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(machine, soft=False)
    answer = ray.remote(_answer).options(num_cpus=0, max_retries=0, scheduling_strategy=there, runtime_env=_environment())
    return answer.remote(Path.cwd(), shared, machine)


def _find_problems(machine: str, answer: "ObjectRef", shared: Path) -> list[str]:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        there = ray.get(answer, timeout=ANSWER)
    except RayTaskError as error:
        return [str(error.cause)]
    except RayError as error:
        reason, _, _ = str(error).partition("\n")
        return [f"does not answer: {reason}"] if machine in list_machines() else []
    if not (shared / machine).is_file():
        return [f"what it writes to {shared.parent} does not arrive here"]
    here = describe_software()
    return [f"has {name} {version}, not {here[name]}" for name, version in there.items() if version != here[name]]


def _answer(directory: Path, shared: Path, name: str) -> dict[str, str]:
    """Read the token and write it under another name, on a machine of the cluster; return its software."""
    os.chdir(directory)
    (shared / name).write_text((shared / "token").read_text())
    return describe_software()


def describe_software() -> dict[str, str]:
    """Return what decides the bytes of outputs, by name: versions, and a hash of this package's code."""
    package = Path(__file__).parent
    code = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        code.update(path.read_bytes())
    versions = {library: metadata.version(library) for library in LIBRARIES}
    return {"Python": platform.python_version(), "maskmill": code.hexdigest()[:12], **versions}


@contextmanager
def _reserve(jobs: int) -> Iterator[tuple["PlacementGroup", int]]:
    """Reserve CPUs all over the cluster: as many as wanted, or as many as are free where other work has the rest.

    Actors that wait for a CPU wait for ever, also for one of a machine that has been lost; removing what is reserved ends them.
    """
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group

    end = time.monotonic() + ROOM
    while time.monotonic() < end:
        present, free = (int(resources().get("CPU", 0)) for resources in (ray.cluster_resources, ray.available_resources))
        for count in (min(jobs if jobs > 0 else present + 1 + jobs, present), free):
            room = placement_group([{"CPU": 1}] * max(1, count), strategy="SPREAD")
            try:
                if room.wait(ROOM_EACH):
                    yield room, max(1, count)
                    return
            finally:
                remove_placement_group(room)
    raise MaskmillError(
        f"the Ray cluster has no free CPU: {free} of {present}",
        fix="wait until its other work is done (`ray status`), or set compute.backend to loky",
    )


def _start(
    function: Callable[..., Outcome], tasks: Sequence[tuple[Any, ...]], room: "PlacementGroup", count: int
) -> Iterator[Outcome]:
    """Start a process for each reserved CPU, and return the outcomes to come."""
    from ray.util.joblib.ray_backend import RayBackend
    from ray.util.placement_group import remove_placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    there = PlacementGroupSchedulingStrategy(room)
    backend = RayBackend(ray_remote_args={"num_cpus": 1, "scheduling_strategy": there, "runtime_env": _environment()})
    # joblib forbids generators for all that derives from its multiprocessing backend; Ray's outcomes come one by one as loky's do.
    backend.supports_return_generator = True
    patience = threading.Timer(START, remove_placement_group, [room])
    patience.start()
    try:
        # Without arguments of their own: Ray would store each larger one, and search all before it.
        calls = (delayed(partial(work_in, Path.cwd(), function, *task))() for task in tasks)
        return Parallel(n_jobs=count, backend=backend, return_as="generator")(calls)
    except ValueError as error:  # "Tried to start a pool with ...": a machine was lost since the CPUs were counted
        raise WorkerLostError(str(error)) from error
    finally:
        patience.cancel()


def work_in(directory: Path, function: Callable[..., Outcome], *task: Any) -> Outcome:
    """Call a function in a working directory: workers start where `ray start` was called, or are kept from work elsewhere."""
    os.chdir(directory)
    return function(*task)


def _environment() -> dict[str, Any]:
    """Return a runtime environment in which workers import what this process does, with the libraries of their own machine."""
    own = (sys.prefix, sys.base_prefix)
    paths = [path for path in sys.path if path and not any(Path(path).is_relative_to(prefix) for prefix in own)]
    return {"env_vars": {"PYTHONPATH": os.pathsep.join(paths)}}
