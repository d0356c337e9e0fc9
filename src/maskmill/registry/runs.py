"""A run's record from start to end, over interruptions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maskmill.outputs import new_file
from maskmill.registry.tracking import RunRecord, Tracker


@contextmanager
def recorded_run(
    tracker: Tracker, name: str, *, tags: Mapping[str, Any], parent: str | None = None, note: Path | None = None
) -> Iterator[RunRecord]:
    """Yield a run's record, and end it as finished, failed or killed, as the block ends.

    Args:
        tracker: the store.
        name: what people see in lists.
        tags: of a new run.
        parent: the run that a new one is nested in.
        note: file that holds the run's id while the work is unfinished: an interrupted run is taken up again.
    """
    known = note.read_text() if note and note.exists() else None
    record = tracker.resume_run(known) or tracker.start_run(name, tags=tags, parent=parent)
    if note and record.run_id and record.run_id != known:
        with new_file(note) as temporary:
            temporary.write_text(record.run_id)
    try:
        yield record
    except Exception:
        record.finish("FAILED")
        raise
    except BaseException:  # Ctrl-C
        record.finish("KILLED")
        raise
    record.finish("FINISHED")
    if note:
        note.unlink(missing_ok=True)
