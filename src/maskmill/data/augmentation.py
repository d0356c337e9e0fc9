"""Augmentation: a recipe's transforms tried on pictures like the data's, and applied reproducibly to a sample."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from maskmill.data.recipes import COMPOSITIONS, Compose, build_compose
from maskmill.errors import DataError, ParamsError
from maskmill.labels.classes import void_of

TRIES = 16  # of each list before it is used; a random quarter turn stays away in all of them once in 65,000 lists
LabelMask = NDArray[np.unsignedinteger]  # uint8 ids or uint16 bits


def build_transform(
    transforms: Sequence[Mapping[str, Any]],
    *,
    image_size: tuple[int, int],
    channels: int,
    mask_type: DTypeLike = np.uint8,
    where: str = "transforms",
) -> Compose:
    """Build the transform that a list of named transforms describes, for pictures of so many channels.

    Args:
        transforms: as for `recipes.build_compose`.
        image_size: (height, width) of the training pictures.
        channels: of the pictures that it will see.
        mask_type: of their label masks: uint8 for ids, uint16 for bits.
        where: the list's place in params.yaml, for messages.

    Returns:
        an `albumentations.Compose` for `augment_sample`. It holds random state: one thread at a time may use it.

    Raises:
        ParamsError: what `recipes.build_compose` raises, and a transform that does not know this many channels.
    """
    compose = build_compose(transforms, image_size=image_size, mask_type=mask_type, where=where)
    if channels != 3:
        for step in _leaves(compose.transforms):
            _check_channels(step, channels, where)
    return compose


def check_transforms(
    transforms: Sequence[Mapping[str, Any]],
    *,
    image_size: tuple[int, int],
    channels: int,
    mask_type: DTypeLike = np.uint8,
    where: str = "transforms",
) -> None:
    """Try a list of transforms on made-up samples, so that an unfit one fails here and not hours into a training.

    Args:
        transforms, image_size, channels, mask_type, where: as for `build_transform`.

    Raises:
        ParamsError: what `build_transform` raises, and a transform that changes the size or type of a picture, invents
            class ids, or cannot work on such pictures at all.
    """
    transform = build_transform(transforms, image_size=image_size, channels=channels, mask_type=mask_type, where=where)
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
            raise ParamsError(f"{where}: {error.what}", expected=error.expected, fix=error.fix) from None
        invented = sorted(set(np.unique(augmented).tolist()) - allowed)
        if invented:
            raise ParamsError(
                f"{where} makes masks with ids that were not there: {invented[:5]}",
                expected="class ids are copied, never blended",
                fix="leave mask_interpolation at 0 (nearest)",
            )


def augment_sample(
    transform: Compose, picture: NDArray[np.uint8], label_mask: LabelMask, seed_parts: tuple[int, ...]
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
    begin_draw(transform, seed_parts)
    try:
        result = transform(image=np.array(picture), mask=np.array(label_mask))  # copies: some transforms write in place
    except Exception as error:  # albumentations raises whatever it meets
        raise _find_fault(transform, picture, label_mask, seed_parts, str(error)) from error
    if _kind(result["image"]) != _kind(picture) or _kind(result["mask"]) != _kind(label_mask):
        raise _find_fault(transform, picture, label_mask, seed_parts, "the size or type changes")
    return np.ascontiguousarray(result["image"]), np.ascontiguousarray(result["mask"])


def derive_seed(*parts: int) -> int:
    """Mix integers into one 32-bit seed, the same on every machine; negative ones count modulo 2**32."""
    return int(_mix(parts).generate_state(1)[0])


def _mix(parts: tuple[int, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence([part % 2**32 for part in parts])


def begin_draw(transform: Compose, seed_parts: tuple[int, ...]) -> None:
    """Begin a draw. All steps share one stream: albumentations' own set_random_seed gives each of them the same numbers, so that
    a picture that is flipped one way is always flipped the other way, too."""
    mixed = _mix(seed_parts)
    transform.set_random_state(np.random.default_rng(mixed), random.Random(int(mixed.generate_state(1)[0])))


def _leaves(steps: Sequence[Any]) -> list[Any]:
    composed = tuple(COMPOSITIONS.values())
    return [leaf for step in steps for leaf in (_leaves(step.transforms) if isinstance(step, composed) else [step])]


def _check_channels(step: Any, channels: int, where: str) -> None:
    """Refuse a transform that works on three channels and fails on this many."""
    if _works_on(step, 3) and not _works_on(step, channels):
        raise ParamsError(
            f"{where}: {type(step).__name__} does not work on pictures of {channels} channel{'s' * (channels != 1)}",
            expected="transforms that know this number of channels",
            fix="take it out, or choose another recipe; RandomBrightnessContrast and what moves pixels know any number",
        )


def _works_on(step: Any, channels: int) -> bool:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, channels), np.uint8)
    probability, step.p = step.p, 1.0
    try:
        result = Compose([step])(image=picture, mask=np.zeros((64, 64), np.uint8))
    except Exception:  # albumentations has no error class of its own
        return False
    finally:
        step.p = probability
    return result["image"].shape[2] == channels


def _given_fills(transforms: Sequence[Mapping[str, Any]]) -> set[int]:
    fills = {int(each["fill_mask"]) for each in transforms if isinstance(each.get("fill_mask"), int | float)}
    return fills.union(*(_given_fills(each["transforms"]) for each in transforms if "transforms" in each))


def _find_fault(
    transform: Compose,
    picture: NDArray[np.uint8],
    label_mask: LabelMask,
    seed_parts: tuple[int, ...],
    message: str,
) -> DataError:
    """Repeat the same draws, a step more each time, to name the transform that fails, or changed the size or type last."""
    fault = DataError(f"the transforms fail on a {_describe(picture)}: {message}", fix="correct or remove one")
    before = picture
    for place, step in enumerate(transform.transforms):
        name = type(step).__name__
        until = Compose(transform.transforms[: place + 1])
        begin_draw(until, seed_parts)
        try:
            after = until(image=np.array(picture), mask=np.array(label_mask))["image"]
        except Exception as error:
            return DataError(f"{name} fails on a {_describe(before)}: {error}", fix="correct or remove it")
        if _kind(after) != _kind(before):
            fix = "take it out, follow it by one that restores the size, or, for quarter turns, make scale.image_size square"
            if after.dtype != before.dtype:
                fix = "take it out: normalisation is a part of the model"
            made = f"{name} makes a {_describe(after)} out of a {_describe(before)}"
            fault = DataError(made, expected=f"a list that ends with a {_describe(picture)}", fix=fix)
        before = after
    return fault


def _kind(array: NDArray) -> tuple[tuple[int, ...], np.dtype]:
    return array.shape, array.dtype


def _describe(picture: NDArray) -> str:
    height, width, channels = picture.shape
    return f"{height} x {width} x {channels} picture of {picture.dtype}"
