"""The finished trainings that a store has."""

from collections.abc import Iterator

from mlflow.entities import Run

from maskmill.errors import RegistryError
from maskmill.registry.tracking import Tracker

FINISHED = "attributes.status = 'FINISHED' and tags.`maskmill.kind` = 'train'"


def list_trainings(tracker: Tracker) -> Iterator[Run]:
    """Yield the finished trainings of an experiment, the newest first.

    Raises:
        RegistryError: the store does not answer.
    """
    token = None
    while True:
        if tracker.client is None:
            raise RegistryError(f"{tracker.uri} does not answer", fix="correct tracking.uri, or start the server")
        page = tracker.client.search_runs([str(tracker.experiment_id)], FINISHED, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
