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
    samples = _samples(images, label_masks)
    if transforms:
        samples = samples.map_with_index(_Augmentation(transforms, images.shape, label_masks.dtype, seed=seed))
    batches = samples.shuffle(seed=derive_seed(seed)).batch(batch_size, drop_remainder=len(images) >= batch_size)
    return _prefetched(batches.repeat()[first_epoch * len(batches) :])


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
    return _prefetched(_samples(*open_part(arrays_dir, "val")).batch(batch_size))


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


class _Augmentation:
    """Augments a sample by its row and epoch; each thread has a transform of its own, since those hold random state."""

    def __init__(self, transforms: Sequence[Mapping[str, Any]], shape: tuple[int, ...], mask_type: np.dtype, *, seed: int) -> None:
        self.seed = seed
        self.num_samples, *image_size, channels = shape
        size = (image_size[0], image_size[1])
        # never used itself, so that it can be copied at any time
        self._pattern = build_transform(transforms, image_size=size, channels=channels, mask_type=mask_type)
        self._of_thread = threading.local()

    def __call__(self, index: int, sample: Sample) -> Sample:
        epoch, row = divmod(index, self.num_samples)  # grain counts on through the epochs
        if not hasattr(self._of_thread, "transform"):
            self._of_thread.transform = copy.deepcopy(self._pattern)
        return augment_sample(self._of_thread.transform, *sample, (self.seed, epoch, row))


def _samples(images: NDArray[np.uint8], label_masks: LabelMasks) -> grain.MapDataset:
    return grain.MapDataset.range(len(images)).map(lambda row: (np.asarray(images[row]), np.asarray(label_masks[row])))


def _prefetched(batches: grain.MapDataset) -> grain.IterDataset:
    """Make batches ahead in a few threads; grain's own default would hold 500 of them."""
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    return batches.to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=BUFFERED_BATCHES))
