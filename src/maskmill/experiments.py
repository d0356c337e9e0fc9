"""What `mlflow run` starts: a DVC experiment with some settings changed."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from maskmill.errors import ParamsError
from maskmill.params import Params, check_params, read_yaml

# The section that a stage's settings without a section are in.
SECTIONS = {
    "download": "source",
    "encode": "encode",
    "validate": "validate",
    "augment": "augment",
    "tune": "tune",
    "train": "train",
    "evaluate": "evaluate",
    "register": "register",
}


def run_experiment(stage: str, arguments: Sequence[str]) -> int:
    """Run `dvc exp run` up to a stage with settings changed.

    Args:
        stage: a stage of dvc.yaml.
        arguments: `--name value` pairs; a name without a section belongs to the stage's own section.

    Returns:
        DVC's exit code.

    Raises:
        ParamsError: no such stage or setting, or a value that does not fit.
    """
    if stage not in SECTIONS:
        raise ParamsError(f"there is no stage {stage!r}", expected=", ".join(SECTIONS), fix="choose one of them")
    settings = _parse_settings(SECTIONS[stage], arguments)
    params = _check_settings(settings)
    searched = sorted(name for name in params.tune.space if f"train.{name}" in settings)
    if searched and params.tune.trials:
        print(f"{', '.join(searched)} set by hand: tune.trials=0, or the search's value would replace it")
        settings["tune.trials"] = "0"
    changes = [argument for key, value in settings.items() for argument in ("-S", f"{key}={value}")]
    # The stages' `python` must be this one, also where its environment is not activated.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [sys.executable, "-m", "dvc", "exp", "run", *changes, stage]
    return subprocess.run(command, env=environment, check=False).returncode


def _parse_settings(section: str, arguments: Sequence[str]) -> dict[str, str]:
    names, values = arguments[::2], arguments[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise ParamsError(f"cannot read the settings {' '.join(arguments)!r}", expected="--name value pairs")
    return {_qualify(name.removeprefix("--"), section): value for name, value in zip(names, values, strict=True)}


def _qualify(name: str, section: str) -> str:
    return name if "." in name else f"{section}.{name}"


def _check_settings(settings: dict[str, str]) -> Params:
    """Check params.yaml with `settings` put in, and return it; DVC itself would write any value anywhere."""
    values = read_yaml("params.yaml")
    for key, value in settings.items():
        *parents, name = key.split(".")
        section = values
        for parent in parents:
            section = section.setdefault(parent, {})
            if not isinstance(section, dict):
                raise ParamsError(f"{key} cannot be set: {parent} is no section of params.yaml", fix="edit params.yaml instead")
        section[name] = _read_value(value)
    return check_params(values, name="params.yaml with these settings")


def _read_value(text: str) -> Any:
    """Read a value as DVC does: numbers, lists and null for what they are."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return text
