"""What a person sees while a stage runs: messages, tables, bars, and errors with their exit code."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from maskmill.errors import MaskmillError

Item = TypeVar("Item")

console = Console(highlight=False, soft_wrap=True)
error_console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Print one message, as it is."""
    console.print(message, markup=False)


def build_progress(*extra_columns: TextColumn) -> Progress:
    """Return the bar that every stage shows: description, bar, count, elapsed, remaining, then `extra_columns`."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        *extra_columns,
        console=console,
    )


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Yield `items` while a bar counts them up to `total`."""
    with build_progress() as progress:
        task = progress.add_task(description, total=total)
        for item in items:
            yield item
            progress.advance(task)


@contextmanager
def working(description: str) -> Iterator[None]:
    """Show in a terminal that something of unknown length goes on."""
    with console.status(description):
        yield


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage's or command's main function; turn an error that a person can fix into its message and exit code 1."""
    try:
        main()
    except MaskmillError as error:
        error_console.print(f"error: {error}", markup=False, style="red")
        sys.exit(1)
    except FileNotFoundError as error:  # a stage run by hand before those that it builds on
        if error.filename is None:
            raise
        error_console.print(
            f"error: {error.filename} does not exist\n  fix: run what makes it first: dvc repro", markup=False, style="red"
        )
        sys.exit(1)
    except KeyboardInterrupt:
        error_console.print("interrupted: run the same command again to go on", style="yellow")
        sys.exit(130)


@contextmanager
def muted_stderr() -> Iterator[None]:
    """Send the process's standard error nowhere, below Python too, for what C++ libraries write past every log level."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
