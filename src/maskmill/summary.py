"""The closing summary: what the last run of the pipeline came to, and the commands that come next."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from maskmill.errors import RegistryError
from maskmill.evaluation.reports import read_samples
from maskmill.evaluation.summary import print_summary
from maskmill.params import Params
from maskmill.sources.manifest import read_files, read_manifest


def show_summary(params: Params, *, port: int) -> None:
    """Print figures, pictures, version and next commands of what lies in build/ and results/.

    Args:
        params: the settings in force.
        port: where the model is to be served.

    Raises:
        RegistryError: no run has come to its end here.
    """
    from maskmill.registry.store import resolve_uri  # MLflow takes seconds to import
    from maskmill.serving.request import curl_command

    store = resolve_uri(params.tracking.uri)
    registration = _read(params.paths.registration)
    samples = read_samples(params.paths.encoded)
    example = samples[samples["split"] == "test"].iloc[0]
    why_not = None if "champion" in registration["aliases"] else registration["gate"]["reason"]
    print_summary(
        _read(params.paths.results / "evaluate" / "metrics.json"),
        figures=params.paths.evaluation / "figures",
        name=registration["name"],
        version=registration["version"],
        alias=registration["aliases"][-1],
        no_champion_because=why_not,
        curl=curl_command(_find_picture(params, example["id"], params.paths.encoded / example["image"]), port),
        port=port,
        activate=_activation(),
        store=None if store == resolve_uri(None) else store,
    )


def _find_picture(params: Params, sample_id: str, encoded: Path) -> Path:
    """Return a picture to send: the encoded one, or, where the model chooses bands itself, the file that has them all."""
    if params.source.bands is None or params.source.band_files:
        return encoded
    manifest = read_manifest(params.paths.raw / "manifest.csv").set_index("id", drop=False)
    return read_files(manifest.loc[sample_id].to_dict()).images[0]


def _activation() -> str | None:
    """Return the command that puts this environment on a shell's path; None where it is there, or there is no environment."""
    if sys.prefix == sys.base_prefix or os.environ.get("VIRTUAL_ENV") == sys.prefix:
        return None
    return f". {os.path.relpath(sys.prefix)}/bin/activate"


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RegistryError(f"{path} does not exist: no run has come to its end here", fix="make repro") from None
