"""Work on many files at a time, through joblib: processes or threads here, or a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from joblib import Parallel, delayed

from maskmill.terminal import track

Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Workers:
    """How work on files is shared out; the names are those of params.yaml's compute section.

    Args:
        backend: "loky" (processes), "threading" or "ray" (an existing cluster).
        jobs: how many files at a time; -1: one a core.
        address: of the Ray cluster; None: the one that RAY_ADDRESS names, or that runs on this machine.
    """

    backend: Literal["loky", "threading", "ray"] = "loky"
    jobs: int = -1
    address: str | None = None


def work_through(
    function: Callable[..., Outcome], tasks: Sequence[tuple[Any, ...]], *, workers: Workers, folder: Path, description: str
) -> Iterator[Outcome]:
    """Yield what `function` returns for each tuple of arguments, in their order, while a bar counts them.

    Args:
        function: does the work on one file; may be called again for a task whose worker was lost, so it starts over by itself.
        tasks: its arguments.
        workers: how the tasks are shared out.
        folder: where the function writes; exists. A cluster's machines are asked whether they share it.
        description: what the bar says.
    """
    parallel = Parallel(n_jobs=workers.jobs, backend=workers.backend, return_as="generator")
    outcomes = parallel(delayed(function)(*task) for task in tasks)
    yield from track(outcomes, description, len(tasks))
