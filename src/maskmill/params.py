"""params.yaml as typed, frozen sections: every key known, every value checked, before a stage does anything."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from maskmill.errors import ParamsError, suggest
from maskmill.sections import (
    AugmentParams,
    ClassParams,
    ComputeParams,
    EncodeParams,
    EvaluateParams,
    PathsParams,
    RegisterParams,
    ScaleParams,
    Section,
    SourceParams,
    SplitParams,
    TrackingParams,
    ValidateParams,
    suggest_or_list,
)
from maskmill.train_sections import FloatRange, TrainParams, TuneParams

_TYPE = re.compile(r"(literal|dict|tuple|union|nullable)\[.*|constrained-\w+|float|int|str|bool|FloatRange", re.DOTALL)


class Params(Section):
    """All of params.yaml; `preset` is the name of the preset that it was written from."""

    preset: str
    paths: PathsParams
    source: SourceParams
    classes: tuple[ClassParams, ...]
    encode: EncodeParams
    split: SplitParams
    validate_: Annotated[ValidateParams, Field(alias="validate")]  # pydantic keeps `validate` for itself
    scale: ScaleParams
    augment: AugmentParams
    tune: TuneParams
    train: TrainParams
    evaluate: EvaluateParams
    register_: Annotated[RegisterParams, Field(alias="register")]  # and `register` belongs to ABCMeta
    tracking: TrackingParams
    compute: ComputeParams

    @model_validator(mode="after")
    def _first_trial(self) -> Self:
        if self.tune.trials:
            self.tune.check_first(self.train)
        return self

    @model_validator(mode="after")
    def _train_as_labelled(self) -> Self:
        self.train.check_classes([entry.name for entry in self.classes if not entry.void], self.encode.labels)
        return self


def load_params(path: Path | str = "params.yaml") -> Params:
    """Read and check a params file.

    Args:
        path: a YAML file with every section complete.

    Raises:
        ParamsError: the file is absent, is not YAML, or has an unknown, missing or unfit value; all of them are listed.
    """
    return check_params(read_yaml(path), name=str(path))


def check_params(values: Mapping[str, Any], name: str = "params.yaml") -> Params:
    """Check the nested `values` of a params file called `name`; raise ParamsError listing everything that is wrong."""
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        problems = _describe_all(error.errors())
    else:
        problems = _find_recipe_problems(params)
        if not problems:
            return params
    lines = "\n".join(f"  - {problem}" for problem in problems)
    raise ParamsError(
        f"{name} has {len(problems)} setting{'s' if len(problems) > 1 else ''} that cannot be used:\n{lines}",
        fix="correct it there; presets/default.yaml shows every setting with its default and meaning",
    )


def overlay_train(train: TrainParams, hyperparameters: Mapping[str, Any]) -> TrainParams:
    """Return the train section with the search's `hyperparameters` laid over it, checked like the section itself."""
    try:
        return TrainParams.model_validate({**train.model_dump(), **hyperparameters})
    except ValidationError as error:
        problems = "; ".join(_describe_all(error.errors()))
        raise ParamsError(
            f"hyperparameters.yaml does not fit the train section: {problems}", fix="run dvc repro tune again"
        ) from None


def read_yaml(path: Path | str) -> dict[str, Any]:
    """Read a YAML 1.2 mapping; raise ParamsError when the file is absent or is not one."""
    try:
        values = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = "write one with: make preset P=default" if Path(path).name == "params.yaml" else "dvc repro"
        raise ParamsError(f"{path} does not exist", fix=fix) from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path} is not UTF-8: byte {error.start} is no text", fix="save it as UTF-8") from None
    except YAMLError as error:
        raise ParamsError(f"{path} is not YAML: {error}", fix="correct the line it names") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ParamsError(f"{path} holds a {type(values).__name__}", expected="sections of settings (a mapping)")
    return values


def _find_recipe_problems(params: Params) -> list[str]:
    """Build every recipe's transforms, the chosen one's or not, and say what albumentations cannot make of them."""
    from maskmill.data.recipes import build_compose  # 0.6 s, which a file that is wrong already need not take

    problems = []
    for name, recipe in params.augment.recipes.items():
        where = f"augment.recipes.{name}.transforms"
        try:
            build_compose(recipe.transforms, image_size=params.scale.image_size, mask_type="uint8", where=where)
        except ParamsError as error:
            problems.append(error.what)
    return problems


def _describe_all(problems: Sequence[ErrorDetails]) -> list[str]:
    """Say each of pydantic's findings in a line; of a setting of several types, what is wrong with the type that was meant."""
    settings: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
    for problem in problems:
        loc = problem["loc"]
        branch = next((depth for depth, part in enumerate(loc) if _is_type(part)), len(loc))
        settings.setdefault(loc[:branch], []).append(problem)
    lines = []
    for found in settings.values():
        meant = [problem for problem in found if not _is_of_another_type(problem)]
        lines += [_describe(problem) for problem in meant] or [_describe_types(found)]
    return lines


def _is_type(part: int | str) -> bool:
    """Whether part of a place is not the file's but pydantic's: the type that was tried."""
    return isinstance(part, str) and _TYPE.fullmatch(part) is not None


def _is_of_another_type(problem: ErrorDetails) -> bool:
    misfit = problem["type"] == "literal_error" or problem["type"].endswith(("_type", "_parsing"))
    return misfit and _is_type(problem["loc"][-1])


def _describe(problem: ErrorDetails) -> str:
    """Say one of pydantic's findings in a line: where, what stands there, what is wrong, a likely spelling."""
    where = _name_place(problem)
    if problem["type"] == "extra_forbidden":
        *parents, name = problem["loc"]
        return f"{where} is not a setting{suggest_or_list(str(name), _known_keys(parents))}"
    if problem["type"] == "missing":
        return f"{where} is missing"
    if problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    if spelling := _suggest_literal(problem):  # in place of all 35 backbones
        return f"{where} = {problem['input']!r} is not known{spelling}"
    return f"{where} = {problem['input']!r}: {problem['msg']}"


def _describe_types(problems: Sequence[ErrorDetails]) -> str:
    """Say in a line that a value is of none of the types that its setting may be of."""
    wanted = ", or ".join(problem["msg"].removeprefix("Input should be ") for problem in problems)
    spelling = "".join(_suggest_literal(problem) for problem in problems)
    return f"{_name_place(problems[0])} = {problems[0]['input']!r}: Input should be {wanted}{spelling}"


def _name_place(problem: ErrorDetails) -> str:
    return ".".join(str(part) for part in problem["loc"] if part != "[key]" and not _is_type(part))


def _suggest_literal(problem: ErrorDetails) -> str:
    """Return "; did you mean ...?" for a word that is none of those that can stand there but like one of them."""
    if problem["type"] != "literal_error":
        return ""
    return suggest(str(problem["input"]), re.findall("'([^']*)'", problem["ctx"]["expected"]))


def _known_keys(parents: list[int | str]) -> set[str]:
    section: Any = Params
    for parent in parents:
        if isinstance(parent, int):
            continue
        fields = section.model_fields
        field = next((f for n, f in fields.items() if parent in (n, f.alias)), None)
        if field is None:
            return set()
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            section = ClassParams if parent == "classes" else FloatRange
    return {field.alias or name for name, field in section.model_fields.items()}
