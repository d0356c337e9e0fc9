"""Augmentation: the list in params.yaml as one checked albumentations transform, and its reproducible use on a sample."""

import inspect
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from maskmill.errors import DataError, ParamsError, suggest
from maskmill.labels.classes import void_of

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else the import asks the package index for a newer release
import albumentations as A

TRIES = 16  # of each list before it is used; a random quarter turn stays away in all of them once in 65,000 lists
LabelMask = NDArray[np.unsignedinteger]  # uint8 ids or uint16 bits
COMPOSITIONS = {"OneOf": A.OneOf, "SomeOf": A.SomeOf, "RandomOrder": A.RandomOrder, "Sequential": A.Sequential}


def build_transform(transforms: Sequence[Mapping[str, Any]], channels: int, mask_type: DTypeLike = np.uint8) -> A.Compose:
    """Build the transform that a list of named transforms describes.

    A transform that fills a border marks it void in the mask (fill_mask) unless the list says otherwise.

    Args:
        transforms: in order, each {"name": an albumentations class, ...its arguments}; OneOf, SomeOf, RandomOrder and
            Sequential hold such a list themselves, as "transforms".
        channels: of the pictures that it will see.
        mask_type: of their label masks: uint8 for ids, uint16 for bits.

    Returns:
        an `albumentations.Compose` for `augment_sample`. It holds random state: one thread at a time may use it.

    Raises:
        ParamsError: an unknown name or argument, an unfit value, or a transform that does not know this many channels.
    """
    void = void_of(mask_type)
    steps = [_build_step(description, f"augment.transforms[{place}]", void) for place, description in enumerate(transforms)]
    if channels != 3:
        for step in _leaves(steps):
            _check_channels(step, channels)
    return A.Compose(steps)


def check_transforms(
    transforms: Sequence[Mapping[str, Any]], *, image_size: tuple[int, int], channels: int, mask_type: DTypeLike = np.uint8
) -> None:
    """Try a list of transforms on made-up samples, so that an unfit one fails here and not hours into a training.

    Args:
        transforms: as for `build_transform`.
        image_size: (height, width) of the training pictures.
        channels: of the training pictures.
        mask_type: of their label masks: uint8 for ids, uint16 for bits.

    Raises:
        ParamsError: what `build_transform` raises, and a transform that changes the size or type of a picture, invents
            class ids, or cannot work on such pictures at all.
    """
    transform = build_transform(transforms, channels, mask_type)
    for step in transform.transforms:
        step.p = float(step.p > 0)  # so that a rare one is tried as well
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (*image_size, channels), np.uint8)
    labels = [0, 100] if np.dtype(mask_type) == np.uint8 else [0, 0b101, 1 << 14]
    label_mask = generator.choice(np.array(labels, mask_type), image_size)
    allowed = {*labels, void_of(mask_type), *_given_fills(transforms)}
    for index in range(TRIES):
        try:
            _, augmented = augment_sample(transform, picture, label_mask, (0, 0, index))
        except DataError as error:
            raise ParamsError(error.what, expected=error.expected, fix=error.fix) from None
        invented = sorted(set(np.unique(augmented).tolist()) - allowed)
        if invented:
            raise ParamsError(
                f"augment.transforms makes masks with ids that were not there: {invented[:5]}",
                expected="class ids are copied, never blended",
                fix="leave mask_interpolation at 0 (nearest)",
            )


def augment_sample(
    transform: A.Compose, picture: NDArray[np.uint8], label_mask: LabelMask, seed_parts: tuple[int, ...]
) -> tuple[NDArray[np.uint8], LabelMask]:
    """Apply a transform to one sample; the outcome depends on the sample and the seed alone.

    Args:
        transform: from `build_transform`.
        picture: uint8 (H, W, C); not changed.
        label_mask: uint8 (H, W) class ids or uint16 (H, W) bits; not changed.
        seed_parts: what tells this draw from all others, such as (seed, epoch, index).

    Returns:
        uint8 (H, W, C), and (H, W) of the label mask's type.

    Raises:
        DataError: a transform fails, or the outcome has another size or type; the message names the transform.
    """
    transform.set_random_seed(derive_seed(*seed_parts))
    try:
        result = transform(image=np.array(picture), mask=np.array(label_mask))  # copies: some transforms write in place
    except Exception as error:  # albumentations raises whatever it meets
        raise _find_fault(transform, picture, label_mask, seed_parts, str(error)) from error
    if _kind(result["image"]) != _kind(picture) or _kind(result["mask"]) != _kind(label_mask):
        raise _find_fault(transform, picture, label_mask, seed_parts, "the size or type changes")
    return np.ascontiguousarray(result["image"]), np.ascontiguousarray(result["mask"])


def derive_seed(*parts: int) -> int:
    """Mix integers into one 32-bit seed, the same on every machine; negative ones count modulo 2**32."""
    return int(np.random.SeedSequence([part % 2**32 for part in parts]).generate_state(1)[0])


def _build_step(description: Mapping[str, Any], where: str, void: int) -> Any:
    arguments = {key: value for key, value in description.items() if key != "name"}
    name = description.get("name")
    if not isinstance(name, str):
        raise ParamsError(f"{where} has no name", expected="{name: HorizontalFlip, p: 0.5}")
    kinds = _transform_kinds() | COMPOSITIONS
    if name not in kinds:
        raise ParamsError(f"{where}: {name} is not a transform of albumentations{_suggest(name, kinds)}")
    kind = kinds[name]
    known = [key for key in inspect.signature(kind).parameters if key not in ("args", "kwargs")]
    for key in arguments:
        if key not in known:
            raise ParamsError(f"{where}: {key} is not an argument of {name}{_suggest(key, known)}")
    if name in COMPOSITIONS:
        arguments["transforms"] = [
            _build_step(child, f"{where}.transforms[{place}]", void) for place, child in enumerate(arguments.get("transforms", []))
        ]
    elif "fill_mask" in known and _fills_border(kind):
        arguments.setdefault("fill_mask", void)
    return _construct(kind, arguments, where)


def _construct(kind: type, arguments: dict[str, Any], where: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # albumentations warns and goes on with defaults
        warnings.filterwarnings("ignore", message=".*special case of")  # ShiftScaleRotate recommends Affine
        try:
            return kind(**arguments)
        except (ValueError, TypeError, UserWarning) as error:
            raise ParamsError(
                f"{where}: {kind.__name__} refuses its arguments: {error}", fix="correct them in params.yaml"
            ) from None


def _transform_kinds() -> dict[str, type]:
    """Return every transform of albumentations for pictures and masks, by name."""
    abstract = (A.BasicTransform, A.DualTransform, A.ImageOnlyTransform, A.Transform3D)
    classes = [value for value in vars(A).values() if inspect.isclass(value) and issubclass(value, A.BasicTransform)]
    return {kind.__name__: kind for kind in classes if kind not in abstract and not issubclass(kind, (A.Transform3D, A.Lambda))}


def _fills_border(kind: type) -> bool:
    """Tell border fills (fill_mask 0 by default) from the dropouts, whose default (None) keeps the label below the hole."""
    return inspect.signature(kind).parameters["fill_mask"].default is not None


def _leaves(steps: Sequence[Any]) -> list[Any]:
    return [leaf for step in steps for leaf in (_leaves(step.transforms) if hasattr(step, "transforms") else [step])]


def _check_channels(step: Any, channels: int) -> None:
    """Refuse a transform that works on three channels and fails on this many."""
    if _works_on(step, 3) and not _works_on(step, channels):
        raise ParamsError(
            f"augment.transforms: {type(step).__name__} does not work on pictures of {channels} channel{'s' * (channels != 1)}",
            expected="transforms that know this number of channels",
            fix="take it out of augment.transforms; RandomBrightnessContrast and what moves pixels know any number",
        )


def _works_on(step: Any, channels: int) -> bool:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, channels), np.uint8)
    always = A.Compose([A.Sequential([step], p=1.0)])
    probability, step.p = step.p, 1.0
    try:
        result = always(image=picture, mask=np.zeros((64, 64), np.uint8))
    except Exception:  # albumentations has no error class of its own
        return False
    finally:
        step.p = probability
    return result["image"].shape[2] == channels


def _given_fills(transforms: Sequence[Mapping[str, Any]]) -> set[int]:
    fills = {int(each["fill_mask"]) for each in transforms if isinstance(each.get("fill_mask"), int | float)}
    return fills.union(*(_given_fills(each["transforms"]) for each in transforms if "transforms" in each))


def _find_fault(
    transform: A.Compose,
    picture: NDArray[np.uint8],
    label_mask: LabelMask,
    seed_parts: tuple[int, ...],
    message: str,
) -> DataError:
    """Go through the same random draws step by step to name the transform that fails, or changed the size or type last."""
    transform.set_random_seed(derive_seed(*seed_parts))
    sample = {"image": np.array(picture), "mask": np.array(label_mask)}
    fault = f"augment.transforms fails on a {_describe(picture)}: {message}"
    fix = "correct or remove it"
    for step in transform.transforms:
        before, name = sample["image"], type(step).__name__
        try:
            sample = step(**sample)
        except Exception as error:
            return DataError(f"augment.transforms: {name} fails on a {_describe(before)}: {error}", fix=fix)
        after = sample["image"]
        if after.dtype != before.dtype:
            fix = "take it out of augment.transforms: normalisation is a part of the model"
        elif after.shape != before.shape:
            fix = "take it out, follow it by one that restores the size, or, for quarter turns, make scale.image_size square"
        if _kind(after) != _kind(before):
            fault = f"augment.transforms: {name} makes a {_describe(after)} out of a {_describe(before)}"
    return DataError(fault, expected=f"a list that ends with a {_describe(picture)}", fix=fix)


def _kind(array: NDArray) -> tuple[tuple[int, ...], np.dtype]:
    return array.shape, array.dtype


def _describe(picture: NDArray) -> str:
    height, width, channels = picture.shape
    return f"{height} x {width} x {channels} picture of {picture.dtype}"


def _suggest(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    return suggest(name, known) or (f"; known: {', '.join(sorted(known))}" if len(known) < 20 else "")
