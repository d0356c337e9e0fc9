import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from maskmill.data.batches import num_batches, open_part, training_batches, validation_batches
from maskmill.errors import DataError, ParamsError

FLIPS = [{"name": "HorizontalFlip", "p": 0.5}, {"name": "VerticalFlip", "p": 0.5}]


@pytest.fixture
def arrays_dir(tmp_path):
    """Eleven training and five validation samples; the first pixel of each says which it is, the rest is noise."""
    generator = np.random.default_rng(0)
    for part, size in (("train", 11), ("val", 5)):
        images = generator.integers(0, 256, (size, 8, 12, 3), np.uint8)
        masks = np.arange(size, dtype=np.uint8)[:, None, None] * np.ones((8, 12), np.uint8)
        (tmp_path / part).mkdir()
        np.save(tmp_path / part / "images.npy", images)
        np.save(tmp_path / part / "masks.npy", masks)
    return tmp_path


def take(batches, number):
    return list(itertools.islice(batches, number))


def numbers(batches):
    """Which samples the batches hold, by the constant label masks."""
    return [masks[:, 0, 0].tolist() for _, masks in batches]


def assert_same(batches, others):
    assert len(batches) == len(others)
    for (images, masks), (other_images, other_masks) in zip(batches, others, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(masks, other_masks)


def test_batches_are_whole_and_hold_no_sample_twice_in_an_epoch(arrays_dir):
    assert num_batches(arrays_dir, "train", 4) == 2
    images, masks = take(training_batches(arrays_dir, batch_size=4, transforms=None, seed=0), 1)[0]
    assert (images.shape, images.dtype, masks.shape, masks.dtype) == ((4, 8, 12, 3), np.uint8, (4, 8, 12), np.uint8)
    epochs = np.array(numbers(take(training_batches(arrays_dir, batch_size=4, transforms=None, seed=0), 40))).reshape(20, 8)
    assert all(len(set(epoch)) == 8 for epoch in epochs.tolist())
    assert set(epochs.ravel().tolist()) == set(range(11))  # what one epoch leaves out, another one has
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 20


def test_pictures_stay_with_their_masks(arrays_dir):
    stored = np.load(arrays_dir / "train" / "images.npy")
    for images, masks in take(training_batches(arrays_dir, batch_size=4, transforms=None, seed=3), 6):
        np.testing.assert_array_equal(images, stored[masks[:, 0, 0]])


def test_a_resumed_training_sees_the_same_batches(arrays_dir):
    whole = take(training_batches(arrays_dir, batch_size=4, transforms=FLIPS, seed=5), 8)
    resumed = take(training_batches(arrays_dir, batch_size=4, transforms=FLIPS, seed=5, first_epoch=3), 2)
    assert_same(whole[6:], resumed)


def test_another_seed_gives_another_order(arrays_dir):
    orders = [numbers(take(training_batches(arrays_dir, batch_size=4, transforms=None, seed=seed), 4)) for seed in (0, 1, -1)]
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert orders[0][2:] != orders[1][:2]  # not just the next epoch of the other


def test_augmentation_depends_on_sample_and_epoch_not_on_place_or_threads(arrays_dir, monkeypatch):
    def by_sample(batch_size):
        stream = training_batches(arrays_dir, batch_size=batch_size, transforms=FLIPS, seed=5, first_epoch=2)
        batches = take(stream, num_batches(arrays_dir, "train", batch_size))
        return {int(m[0, 0]): i.tobytes() for images, masks in batches for i, m in zip(images, masks, strict=True)}

    one_by_one = by_sample(1)
    monkeypatch.setattr("maskmill.data.batches.MOST_THREADS", 1)
    in_fives = by_sample(5)
    assert in_fives.items() <= one_by_one.items()
    assert len(one_by_one) == 11


def test_every_epoch_is_augmented_anew(arrays_dir):
    stored = np.load(arrays_dir / "train" / "images.npy")
    batches = take(training_batches(arrays_dir, batch_size=11, transforms=FLIPS, seed=5), 8)
    outcomes = {images[masks[:, 0, 0] == 4].tobytes() for images, masks in batches}
    assert len(outcomes) > 1
    assert outcomes <= {stored[4][::y, ::x].tobytes() for y in (1, -1) for x in (1, -1)}


def test_fewer_samples_than_a_batch_make_one_smaller_batch(arrays_dir):
    assert num_batches(arrays_dir, "train", 16) == 1
    (images, _), (others, _) = take(training_batches(arrays_dir, batch_size=16, transforms=None, seed=0), 2)
    assert len(images) == len(others) == 11


def test_validation_is_complete_and_in_order(arrays_dir):
    assert num_batches(arrays_dir, "val", 2) == 3
    batches = list(validation_batches(arrays_dir, batch_size=2))
    assert numbers(batches) == [[0, 1], [2, 3], [4]]
    np.testing.assert_array_equal(np.concatenate([images for images, _ in batches]), open_part(arrays_dir, "val")[0])


def test_many_bands_and_bit_masks_come_as_they_are_packed(arrays_dir):
    images = np.random.default_rng(0).integers(0, 256, (11, 8, 12, 5), np.uint8)
    masks = np.left_shift(1, np.arange(11, dtype=np.uint16)).astype(np.uint16)[:, None, None] * np.ones((8, 12), np.uint16)
    for part in ("train", "val"):
        np.save(arrays_dir / part / "images.npy", images)
        np.save(arrays_dir / part / "masks.npy", masks)
    turn = [{"name": "Rotate", "limit": [45, 45], "p": 1.0}]
    for batch, labels in take(training_batches(arrays_dir, batch_size=4, transforms=turn, seed=0), 2):
        assert (batch.shape, batch.dtype, labels.dtype) == ((4, 8, 12, 5), np.uint8, np.uint16)
        assert (labels[:, 0, 0] == 0x8000).all()
        assert set(np.unique(labels).tolist()) <= {0x8000, *masks[:, 0, 0].tolist()}
    (_, labels), *_ = validation_batches(arrays_dir, batch_size=11)
    np.testing.assert_array_equal(labels, masks)


@pytest.mark.parametrize("transforms", [None, FLIPS])
def test_an_epoch_keeps_no_picture_in_memory_of_its_own(tmp_path, transforms):
    (tmp_path / "train").mkdir()
    images = np.lib.format.open_memmap(tmp_path / "train" / "images.npy", "w+", np.uint8, (1000, 160, 200, 3))
    images[:] = 7
    np.save(tmp_path / "train" / "masks.npy", np.zeros((1000, 160, 200), np.uint8))
    stream = iter(training_batches(tmp_path, batch_size=4, transforms=transforms, seed=0))
    for _ in itertools.islice(stream, 20):
        pass
    before = measure_own_memory()
    assert sum(int(batch[0, 0, 0, 0]) for batch, _ in itertools.islice(stream, 240)) == 240 * 7
    assert measure_own_memory() - before < images.nbytes / 4  # what is mapped does not count: the system takes it back at need


def measure_own_memory():
    """Return the bytes of this process that come from no file."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssAnon:\s+(\d+)", status)[1])


def test_absent_or_empty_arrays_and_bad_lists_are_named(arrays_dir):
    with pytest.raises(DataError, match=r"images\.npy does not exist"):
        open_part(arrays_dir / "nowhere", "train")
    with pytest.raises(ParamsError, match="Flop"):
        training_batches(arrays_dir, batch_size=2, transforms=[{"name": "Flop"}], seed=0)
    np.save(arrays_dir / "val" / "images.npy", np.zeros((0, 8, 12, 3), np.uint8))
    with pytest.raises(DataError, match="holds no sample"):
        validation_batches(arrays_dir, batch_size=2)
