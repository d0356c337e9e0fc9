"""Batches for training and validation out of the packed arrays, made by grain while the model computes.

Which samples a training batch holds, and how they are augmented, follows from the seed and the batch's number alone, so a
training that resumes at epoch n sees what an uninterrupted one would have seen. Keras asks a grain dataset for no length:

    model.fit(
        training_batches(arrays_dir, ..., first_epoch=n),
        steps_per_epoch=num_batches(arrays_dir, "train", batch_size),
        initial_epoch=n,
        validation_data=validation_batches(arrays_dir, batch_size=batch_size),
        validation_steps=num_batches(arrays_dir, "val", batch_size),
    )
"""

import copy
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from absl import logging as absl_logging
from numpy.typing import NDArray

from maskmill.data.augmentation import augment_sample, build_transform, derive_seed
from maskmill.errors import DataError

absl_logging.get_absl_logger().addFilter(lambda record: "jax profiler" not in str(record.msg))  # on import, without jax
import grain  # noqa: E402

Part = Literal["train", "val"]
LabelMasks = NDArray[np.unsignedinteger]  # uint8 ids or uint16 bits
Sample = tuple[NDArray[np.uint8], LabelMasks]

MOST_THREADS = 8
BUFFERED_BATCHES = 16


def training_batches(
    arrays_dir: Path, *, batch_size: int, transforms: Sequence[Mapping[str, Any]] | None, seed: int, first_epoch: int = 0
) -> grain.IterDataset:
    """Return the endless stream of training batches from the start of an epoch on.

    Every epoch has its own order and, with `transforms`, its own augmentation of each sample. The samples that fill no whole
    batch sit an epoch out, other ones each time: a batch of another size costs a compilation and unsettles batch statistics.

    Args:
        arrays_dir: folder with train/images.npy and train/masks.npy.
        batch_size: samples in a batch; a part with fewer samples gives one smaller batch an epoch.
        transforms: the list to augment with, or None for the samples as they are packed.
        seed: of the order and the augmentation.
        first_epoch: the epoch, from 0, that the stream begins with.

    Returns:
        a dataset of (images uint8 (B, H, W, C), label masks (B, H, W) of uint8 ids or uint16 bits as packed); `num_batches(...)`
        of them make an epoch.

    Raises:
        DataError: the arrays are not there.
        ParamsError: `transforms` cannot be built.
    """
    images, label_masks = open_part(arrays_dir, "train")
    # counted on through the epochs, so that a sample's number tells the epoch, too
    numbers = grain.MapDataset.range(len(images)).map_with_index(lambda number, _: number)
    batches = numbers.shuffle(seed=derive_seed(seed)).batch(batch_size, drop_remainder=len(images) >= batch_size)
    gather = _Augmentation(images, label_masks, transforms, seed=seed) if transforms else _Gathering(images, label_masks)
    return _prefetched(batches.map(gather).repeat()[first_epoch * len(batches) :])


def validation_batches(arrays_dir: Path, *, batch_size: int) -> grain.IterDataset:
    """Return all validation samples in their order as batches, the last one as small as it comes.

    Args:
        arrays_dir: folder with val/images.npy and val/masks.npy.
        batch_size: samples in a batch.

    Returns:
        a dataset of (images uint8 (B, H, W, C), label masks (B, H, W), uint8 ids or uint16 bits as packed).

    Raises:
        DataError: the arrays are not there.
    """
    images, label_masks = open_part(arrays_dir, "val")
    return _prefetched(grain.MapDataset.range(len(images)).batch(batch_size).map(_Gathering(images, label_masks)))


def num_batches(arrays_dir: Path, part: Part, batch_size: int) -> int:
    """Return how many batches of a part make an epoch: whole ones of train (at least one), all of val."""
    samples = len(open_part(arrays_dir, part)[0])
    return max(1, samples // batch_size) if part == "train" else -(-samples // batch_size)


def open_part(arrays_dir: Path, part: Part) -> Sample:
    """Open a part's packed arrays without reading them.

    Args:
        arrays_dir: folder with one folder a part.
        part: "train" or "val".

    Returns:
        uint8 (N, H, W, C) pictures and (N, H, W) label masks, uint8 ids or uint16 bits, memory-mapped and read-only.

    Raises:
        DataError: a file is absent, or the part is empty.
    """
    try:
        images, label_masks = (np.load(arrays_dir / part / name, mmap_mode="r") for name in ("images.npy", "masks.npy"))
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} does not exist", fix="dvc repro augment") from None
    if len(images) == 0:
        raise DataError(f"{arrays_dir / part} holds no sample", fix="dvc repro augment")
    return images, label_masks


class _Gathering:
    """Copies samples, by their numbers, into a batch."""

    def __init__(self, images: NDArray[np.uint8], label_masks: LabelMasks) -> None:
        self.images = images
        self.label_masks = label_masks

    def __call__(self, numbers: NDArray[np.integer]) -> Sample:
        rows = numbers % len(self.images)
        return self.images[rows], self.label_masks[rows]


class _Augmentation(_Gathering):
    """Augments samples by their rows and the epoch, each straight into the batch: those that wait for a batch to be stacked keep
    the allocator at work, which took an eighth of the time."""

    def __init__(
        self, images: NDArray[np.uint8], label_masks: LabelMasks, transforms: Sequence[Mapping[str, Any]], *, seed: int
    ) -> None:
        super().__init__(images, label_masks)
        self.seed = seed
        _, height, width, channels = images.shape
        # never used itself, so that it can be copied at any time
        self._pattern = build_transform(transforms, image_size=(height, width), channels=channels, mask_type=label_masks.dtype)
        self._of_thread = threading.local()  # transforms hold random state: each thread has one of its own

    def __call__(self, numbers: NDArray[np.integer]) -> Sample:
        if not hasattr(self._of_thread, "transform"):
            self._of_thread.transform = copy.deepcopy(self._pattern)
        images = np.empty((len(numbers), *self.images.shape[1:]), self.images.dtype)
        label_masks = np.empty((len(numbers), *self.label_masks.shape[1:]), self.label_masks.dtype)
        for place, number in enumerate(numbers.tolist()):
            epoch, row = divmod(number, len(self.images))
            sample = self.images[row], self.label_masks[row]
            images[place], label_masks[place] = augment_sample(self._of_thread.transform, *sample, (self.seed, epoch, row))
        return images, label_masks


def _prefetched(batches: grain.MapDataset) -> grain.IterDataset:
    """Make batches ahead in a few threads; grain's own default would hold 500 of them."""
    # Not in processes (mp_prefetch): two make 1800 pictures a second where threads, which wait for each other, make 1000, but a
    # training step on two cores takes longer than hundreds of them; and each process starts for 3 s and takes 110 MB.
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    return batches.to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=BUFFERED_BATCHES))
