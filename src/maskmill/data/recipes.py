"""Recipes: what params.yaml lists by name and arguments, as checked albumentations transforms."""

import functools
import inspect
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from numpy.typing import DTypeLike
from pydantic import ValidationError

from maskmill.errors import ParamsError, suggest
from maskmill.labels.classes import VOID_BIT, void_of

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else the import asks the package index for a newer release
import albumentations as A

COMPOSITIONS = {"OneOf": A.OneOf, "SomeOf": A.SomeOf, "RandomOrder": A.RandomOrder, "Sequential": A.Sequential}
SHORT = 20  # so many names are listed where none is like the unknown one
Compose: TypeAlias = A.Compose


def build_compose(
    transforms: Sequence[Mapping[str, Any]], *, image_size: tuple[int, int], mask_type: DTypeLike, where: str
) -> Compose:
    """Build the transform that a list of named transforms describes.

    Two arguments follow from the data where the list leaves them out: a border that a transform fills is void in the mask
    (fill_mask), and a size that it requires (size, or height and width) is the training size. `fill_mask: void` says it for holes.

    Args:
        transforms: in order, each {"name": an albumentations class, ...its arguments}; OneOf, SomeOf, RandomOrder and
            Sequential hold such a list themselves, as "transforms".
        image_size: (height, width) of the training pictures.
        mask_type: of their label masks: uint8 for ids, uint16 for bits.
        where: the list's place in params.yaml, for messages.

    Raises:
        ParamsError: an unknown name or argument, or an unfit value; the message says where.
    """
    implied = {"size": image_size, "height": image_size[0], "width": image_size[1], "fill_mask": void_of(mask_type)}
    return Compose(_build_steps(transforms, implied, where))


def _build_steps(transforms: Sequence[Mapping[str, Any]], implied: Mapping[str, Any], where: str) -> list[Any]:
    return [_build_step(description, implied, f"{where}[{place}]") for place, description in enumerate(transforms)]


def _build_step(description: Mapping[str, Any], implied: Mapping[str, Any], where: str) -> Any:
    arguments = {key: value for key, value in description.items() if key != "name"}
    name = description.get("name")
    if not isinstance(name, str):
        raise ParamsError(f"{where} has no name", expected="{name: HorizontalFlip, p: 0.5}")
    kinds = _transform_kinds() | COMPOSITIONS
    if name not in kinds:
        raise ParamsError(f"{where}: {name} is not a transform of albumentations{_suggest(name, kinds)}")
    known = {key: value for key, value in inspect.signature(kinds[name]).parameters.items() if key not in ("args", "kwargs")}
    for key in arguments:
        if key not in known:
            raise ParamsError(f"{where}: {key} is not an argument of {name}{_suggest(key, known)}")
    if name in COMPOSITIONS:
        arguments["transforms"] = _build_steps(_list_children(arguments, name, where), implied, f"{where}.transforms")
    filled = {key: value for key, value in implied.items() if key in known and _is_implied(known[key])}
    if "fill_mask" in arguments:
        arguments["fill_mask"] = _read_fill(arguments["fill_mask"], implied["fill_mask"], where)
    return _construct(kinds[name], filled | arguments, where)


def _read_fill(fill: Any, void: int, where: str) -> Any:
    """Return what a mask is filled with: void by its name, any id; of bits, whose numbers would mean several classes, void or 0."""
    if fill in ("void", void):
        return void
    if void == VOID_BIT and fill != 0:
        raise ParamsError(f"{where}: fill_mask is {fill!r}", expected="void, or 0 for no class, where classes overlap")
    return fill


def _list_children(arguments: Mapping[str, Any], name: str, where: str) -> Sequence[Mapping[str, Any]]:
    children = arguments.get("transforms")
    if not isinstance(children, list | tuple) or not children or not all(isinstance(child, Mapping) for child in children):
        raise ParamsError(f"{where}: {name} holds no list of transforms", expected="transforms: [{name: ...}, {name: ...}]")
    return children


def _is_implied(parameter: inspect.Parameter) -> bool:
    """Tell sizes that are required and borders (fill_mask 0) from dropouts, whose fill_mask None keeps the label in the hole."""
    return parameter.default is not None if parameter.name == "fill_mask" else parameter.default is inspect.Parameter.empty


def _construct(kind: type, arguments: dict[str, Any], where: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # albumentations warns and goes on with defaults
        warnings.filterwarnings("ignore", message=".*special case of")  # ShiftScaleRotate recommends Affine
        try:
            return kind(**arguments)
        except (ValueError, TypeError, UserWarning) as error:
            cause = error.__cause__  # pydantic's findings, of which albumentations keeps the text
            problem = _describe(cause, arguments) if isinstance(cause, ValidationError) else str(error)
    raise ParamsError(f"{where}: {kind.__name__} refuses its arguments: {problem}", fix="correct them in params.yaml")


def _describe(error: ValidationError, arguments: Mapping[str, Any]) -> str:
    """Say pydantic's findings in a line: each argument, its value, and what it may be instead."""
    said: dict[str, list[str]] = {}
    for problem in error.errors():
        said.setdefault(str(problem["loc"][0] if problem["loc"] else ""), []).append(problem["msg"])
    return "; ".join(f"{argument} = {arguments.get(argument)!r}: {' or: '.join(wrong)}" for argument, wrong in said.items())


@functools.cache
def _transform_kinds() -> dict[str, type]:
    """Return every transform of albumentations for pictures and masks, by name."""
    abstract = (A.BasicTransform, A.DualTransform, A.ImageOnlyTransform, A.Transform3D)
    classes = [value for value in vars(A).values() if inspect.isclass(value) and issubclass(value, A.BasicTransform)]
    return {kind.__name__: kind for kind in classes if kind not in abstract and not issubclass(kind, (A.Transform3D, A.Lambda))}


def _suggest(name: str, known: Mapping[str, Any]) -> str:
    return suggest(name, known) or (f"; known: {', '.join(sorted(known))}" if len(known) < SHORT else "")
