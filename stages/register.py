"""Register: make this run's model a version of the registered model, and the champion if it passes the gate."""

import functools
import json
from pathlib import Path

import _checkout  # noqa: F401  first: this checkout's package before any installed one

from maskmill.outputs import new_file
from maskmill.params import load_params, read_yaml
from maskmill.registry.gate import hash_test_part
from maskmill.registry.lineage import hash_file
from maskmill.registry.restore import restore_run
from maskmill.registry.tracking import connect
from maskmill.registry.versions import register_version
from maskmill.serving.package import pack_model
from maskmill.terminal import run_stage, say


def main() -> None:
    params = load_params()
    results = params.paths.results
    run = read_json(params.paths.training / "run.json")
    statistics = params.paths.encoded / "statistics.csv"
    tracker = connect(params.tracking.uri, params.tracking.experiment)
    record = restore_run(
        tracker, run, params=read_yaml("params.yaml") | {"train": run["train"]}, history=results / "train" / "history.csv"
    )
    registration = register_version(
        tracker,
        record,
        functools.partial(pack_model, params.paths.model),
        name=params.register_.name,
        metrics=read_json(results / "evaluate" / "metrics.json"),
        run=run,
        validated=read_json(results / "validate" / "result.json")["success"],
        test_manifest=hash_test_part(statistics),
        data_name=params.source.name,
        data_hash=hash_file(statistics),
        require_gpu=params.register_.require_gpu,
        floor=params.register_.floor,
    )
    with new_file(params.paths.registration) as temporary:
        temporary.write_text(json.dumps(registration, indent=2) + "\n", encoding="utf-8")
    name, aliases = registration["name"], " and ".join(registration["aliases"])
    say(f"registered {name} version {registration['version']}, alias {aliases}")
    say(registration["gate"]["reason"])
    say("next: maskmill summary")


def read_json(path: Path) -> dict:
    """Read what an earlier stage wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run_stage(main)
