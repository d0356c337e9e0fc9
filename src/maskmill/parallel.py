"""Work on many files at a time, through joblib: processes or threads here, or a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from maskmill.cluster import WorkerLostError, share_out_on_cluster, work_in
from maskmill.errors import MaskmillError
from maskmill.terminal import say, track

LOSSES = 3  # workers lost with no task done in between: no chance any more
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Workers:
    """How work on files is shared out; the names are those of params.yaml's compute section.

    Args:
        backend: "loky" (processes), "threading" or "ray" (an existing cluster).
        jobs: how many files at a time; -1: one a core.
        address: of the Ray cluster, "host:port"; None: the one that RAY_ADDRESS names, or that runs on this machine.
    """

    backend: Literal["loky", "threading", "ray"] = "loky"
    jobs: int = -1
    address: str | None = None


def work_through(
    function: Callable[..., Outcome], tasks: Sequence[tuple[Any, ...]], *, workers: Workers, folder: Path, description: str
) -> Iterator[Outcome]:
    """Yield what `function` returns for each tuple of arguments, in their order, while a bar counts them.

    What the function raises is raised here. A process that is ended from outside, or a machine of the cluster that is lost, costs
    time alone: what it was at is done again.

    Args:
        function: does the work on one file; may be called again for a task whose worker was lost, so it starts over by itself.
        tasks: its arguments.
        workers: how the tasks are shared out.
        folder: where the function writes; exists. A cluster's machines are asked whether they share it.
        description: what the bar says.

    Raises:
        MaskmillError: workers are lost again and again.
        ParamsError: there is no such cluster, or a machine of it does not share the files or has other software.
    """
    if workers.backend == "ray":
        share_out = partial(share_out_on_cluster, jobs=workers.jobs, address=workers.address, folder=folder)
    else:
        share_out = partial(_share_out_here, workers=workers)
    yield from track(_persevere(function, tasks, share_out), description, len(tasks))


def _share_out_here(function: Callable[..., Outcome], tasks: Sequence[tuple[Any, ...]], *, workers: Workers) -> Iterator[Outcome]:
    parallel = Parallel(n_jobs=workers.jobs, backend=workers.backend, return_as="generator")
    yield from parallel(delayed(work_in)(Path.cwd(), function, *task) for task in tasks)


def _persevere(
    function: Callable[..., Outcome], tasks: Sequence[tuple[Any, ...]], share_out: Callable[..., Iterator[Outcome]]
) -> Iterator[Outcome]:
    """Yield the outcomes of all tasks; after a loss, start again behind the last outcome that has come."""
    done = losses = 0
    while done < len(tasks):
        try:
            for outcome in share_out(function, tasks[done:]):
                yield outcome
                done += 1
                losses = 0
        except (TerminatedWorkerError, WorkerLostError) as loss:
            losses += 1
            if losses == LOSSES:
                raise _describe_losses(loss, done, len(tasks)) from loss
            say("a worker was lost; what it was at is done again")


def _describe_losses(loss: Exception, done: int, wanted: int) -> MaskmillError:
    reason, _, _ = str(loss).partition("\n")
    return MaskmillError(
        f"workers were lost {LOSSES} times in a row, with {done} of {wanted} files done: {reason}",
        expected="workers that live until their work is done; most often they are ended because memory has run out",
        fix="lower compute.jobs and run the same command again; `dmesg`, or `ray status` of a cluster, say more",
    )
