"""Presets: params.yaml is presets/default.yaml with one preset's differences laid over it, comments and all."""

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from maskmill.errors import ParamsError
from maskmill.outputs import new_file
from maskmill.params import check_params, read_yaml
from maskmill.sources.inspection.configure import Configuration, configure
from maskmill.sources.inspection.report import describe_guesses

PRESETS = Path("presets")
DEFAULT = "default"
AUTO = "auto"


def list_presets(folder: Path = PRESETS) -> dict[str, str]:
    """Return each preset's name with the comment line that its file starts with; those of folders, `cpu/camvid`, come last."""
    described = {}
    for path in sorted(folder.rglob("*.yaml"), key=lambda path: (len(path.parts), path)):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        described[path.relative_to(folder).with_suffix("").as_posix()] = first.removeprefix("#").strip()
    return described


def write_params(name: str, *, source: str | None, target: Path = Path("params.yaml"), folder: Path = PRESETS) -> None:
    """Write params.yaml from the default and a preset.

    A preset in a folder, `cpu/camvid`, is what differs from the one of its name above, `camvid`.

    Args:
        name: the preset, `folder`/`name`.yaml; `default` for the defaults themselves.
        source: a local folder or archive to take the data from instead of the preset's own; None keeps that.
        target: the file to write.
        folder: where the presets are.

    Raises:
        ParamsError: no such preset, no such source, or the two together are not complete and right.
    """
    known = list_presets(folder)
    if not known:
        raise ParamsError(f"there is no folder {folder} with presets here", fix="run it at the root of the repository")
    if name not in known:
        raise ParamsError(f"there is no preset {name!r}", expected=", ".join(known), fix="choose one of them")
    layers = [read_yaml(folder / f"{layer}.yaml") for layer in dict.fromkeys((Path(name).name, name)) if layer != DEFAULT]
    heading = f"Written by: make preset P={name}" + (f" SOURCE={source}" if source else "")
    _write(name, layers, heading, source=source, target=target, folder=folder, origin=f"presets/{name}.yaml")


def write_auto_params(
    source: str, *, picks: Sequence[str], target: Path = Path("params.yaml"), folder: Path = PRESETS
) -> Configuration:
    """Write params.yaml for data that nobody has described: what inspection chooses, over the defaults.

    Args:
        source: a folder or an archive.
        picks: names of options that a person has chosen.
        target: the file to write.
        folder: where the presets are.

    Returns:
        What was chosen, with its reasons, which also stand at the top of the file.

    Raises:
        SourceError: nothing there looks like pictures with masks, or there are several readings to choose from.
    """
    configuration = configure(Path(source).expanduser(), picks)
    command = " ".join(["make preset P=auto", f"SOURCE={source}", *(f"PICK={pick}" for pick in picks)])
    heading = "\n".join([f"Written by: {command}", "Every guess and its reason:", *describe_guesses(configuration.guesses)])
    _write(AUTO, [configuration.settings], heading, source=source, target=target, folder=folder, origin="what inspection chose")
    return configuration


def _write(
    name: str,
    layers: Sequence[Mapping[str, Any]],
    heading: str,
    *,
    source: str | None,
    target: Path,
    folder: Path,
    origin: str,
) -> None:
    """Write the default with layers of differences over it, and another source if one is given, once it is complete and right."""
    reader = YAML()
    reader.preserve_quotes = True
    values = reader.load(folder / f"{DEFAULT}.yaml")
    for differences in layers:
        _lay_over(values, differences)
    values["preset"] = name
    if source is not None:
        _lay_over(values, {"source": {"path": _portable(source), "url": None, "sha256": None}})
    values.yaml_set_start_comment(heading)
    text = StringIO()
    writer = YAML()
    writer.width = 200
    writer.representer.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null"))
    writer.dump(values, text)
    check_params(YAML(typ="safe", pure=True).load(text.getvalue()), name=f"{origin} over presets/{DEFAULT}.yaml")
    with new_file(target) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def _lay_over(base: CommentedMap, differences: Mapping[str, Any]) -> None:
    """Put `differences` into `base`: sections are merged key by key, lists and values are replaced."""
    for key, value in differences.items():
        is_section = isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
        if is_section and key != "space":  # a preset's search space stands for itself
            _lay_over(base[key], value)
        else:
            base[key] = value


def _portable(source: str) -> str:
    """Return a path inside the repository relative to it, any other absolute: experiments run in a copy elsewhere."""
    path = Path(source).expanduser().resolve()
    if not path.exists():
        raise ParamsError(f"SOURCE={source} does not exist", expected="a folder or an archive", fix="give its path")
    root = Path.cwd().resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
