import cv2
import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painting import paint, save_again
from PIL import Image

from maskmill.data import likeness
from maskmill.data.likeness import SYMMETRIES, find_alike, find_most_alike, hash_pictures
from maskmill.data.thumbnails import make_thumbnail

BITS = 10


def shrink(*pictures):
    return np.stack([make_thumbnail(np.ascontiguousarray(picture)) for picture in pictures])


def rows_of(pairs):
    return [tuple(row) for row in pairs[["first", "second", "symmetry"]].to_numpy().tolist()]


# What is done to a picture on the left, and what we call it.
DONE = {
    "as it is": lambda picture: picture,
    "mirrored": np.fliplr,
    "turned left": lambda picture: np.rot90(picture, 1),
    "turned right": lambda picture: np.rot90(picture, 3),
    "turned by 180 degrees": lambda picture: np.rot90(picture, 2),
    "mirrored, turned left": lambda picture: np.rot90(np.fliplr(picture), 1),
    "mirrored, turned right": lambda picture: np.rot90(np.fliplr(picture), 3),
    "mirrored, turned by 180 degrees": lambda picture: np.rot90(np.fliplr(picture), 2),
}


def test_all_eight_symmetries_have_words():
    assert set(DONE) == set(SYMMETRIES)


@pytest.mark.parametrize("words", sorted(DONE))
def test_a_picture_is_found_in_every_symmetry_and_it_is_named(words):
    first = shrink(paint(0), paint(1), paint(2))
    second = shrink(paint(7), DONE[words](paint(1)), paint(8))
    pairs = find_alike(first, second, near_duplicate=BITS)
    assert rows_of(pairs) == [(1, 1, words)]
    assert pairs["distance"].tolist() == [0]


@given(seed=st.integers(0, 500), words=st.sampled_from(sorted(DONE)), quality=st.integers(30, 95))
def test_saved_again_and_turned_it_is_the_same_picture(seed, words, quality):
    pairs = find_alike(shrink(paint(seed)), shrink(save_again(DONE[words](paint(seed)), quality)), near_duplicate=BITS)
    assert rows_of(pairs) == [(0, 0, words)]


ALTERED = {
    "JPEG of quality 50": lambda picture: save_again(picture, 50),
    "half the size": lambda picture: cv2.resize(picture, (70, 45), interpolation=cv2.INTER_AREA),
    "every other pixel": lambda picture: picture[::2, ::2],
    "brighter": lambda picture: np.clip(picture * 1.1, 0, 255).astype(np.uint8),
    "darker": lambda picture: (picture * 0.9).astype(np.uint8),
    "3 % less at each edge": lambda picture: picture[3:-3, 4:-4],
    "3 % less in all": lambda picture: picture[1:-2, 2:-2],
    "grey": lambda picture: picture.mean(axis=2, keepdims=True).round().astype(np.uint8),
}


@pytest.mark.parametrize("change", sorted(ALTERED))
def test_altered_pictures_are_found_both_ways(change):
    originals = shrink(*map(paint, range(12)))
    altered = shrink(*(ALTERED[change](paint(seed)) for seed in range(12)))
    expected = [(number, number, "as it is") for number in range(12)]
    assert rows_of(find_alike(originals, altered, near_duplicate=BITS)) == expected
    assert rows_of(find_alike(altered, originals, near_duplicate=BITS)) == expected


def test_different_pictures_are_not_alike():
    assert find_alike(shrink(*map(paint, range(40))), shrink(*map(paint, range(40, 80))), near_duplicate=BITS).empty


def test_the_threshold_is_what_params_say():
    first, second = shrink(paint(0)), shrink(paint(0)[5:-5, 7:-7])
    (distance,) = find_alike(first, second, near_duplicate=32)["distance"]
    assert distance > 0
    assert find_alike(first, second, near_duplicate=distance - 1).empty
    assert len(find_alike(first, second, near_duplicate=distance)) == 1


def plain_pictures(seed):
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:90j, -1:1:140j]
    for _ in range(20):
        light = generator.uniform(60, 200) + generator.uniform(-40, 40) * y + generator.uniform(-40, 40) * x * x
        yield np.clip(light[..., np.newaxis] + generator.normal(0, 2, (90, 140, 3)), 0, 255).astype(np.uint8)
    yield np.zeros((90, 140, 3), np.uint8)
    yield np.full((90, 140, 3), 255, np.uint8)


def test_plain_pictures_are_not_alike_whatever_their_hashes():
    first, second = shrink(*plain_pictures(0)), shrink(*plain_pictures(1))
    hashes = hash_pictures(first)[:, np.newaxis] ^ hash_pictures(second)
    assert (np.bitwise_count(hashes) <= BITS).any()  # by hashes alone some would be
    assert find_alike(first, second, near_duplicate=BITS).empty


def test_hashes_are_those_of_imagehash():
    pictures = shrink(*map(paint, range(20)), *plain_pictures(0))
    theirs = [np.packbits(imagehash.phash(Image.fromarray(picture)).hash).view(np.uint64)[0] for picture in pictures]
    assert hash_pictures(pictures).tolist() == [int(each) for each in theirs]


def test_either_set_may_be_empty():
    some, none = shrink(paint(0)), np.empty((0, 32, 32), np.uint8)
    for first, second in ((some, none), (none, some), (none, none)):
        assert find_alike(first, second, near_duplicate=BITS).empty


def test_parts_of_the_work_give_the_same_pairs(monkeypatch):
    first, second = shrink(*map(paint, range(30))), shrink(*(np.fliplr(paint(seed)) for seed in range(10, 40)))
    whole = find_alike(first, second, near_duplicate=BITS)
    assert len(whole) == 20
    monkeypatch.setattr(likeness, "HASHES_AT_ONCE", 70)
    monkeypatch.setattr(likeness, "PAIRS_AT_ONCE", 3)
    assert find_alike(first, second, near_duplicate=BITS).equals(whole)


def test_of_a_still_camera_a_few_partners_each_are_told():
    still = shrink(*(save_again(paint(0), quality) for quality in range(50, 90)))
    pairs = find_alike(still, still[:3], near_duplicate=BITS)
    assert pairs["second"].value_counts().to_dict() == dict.fromkeys(range(3), likeness.MOST_PARTNERS)


def test_the_most_alike_of_two_sets():
    first, second = shrink(*map(paint, range(5))), shrink(paint(8), paint(9), save_again(paint(3), 60))
    assert find_most_alike(first, second) == (3, 2)


def test_plain_pictures_are_counted():
    grid = np.indices((90, 140)).sum(axis=0)
    dim = (paint(1) / 64).astype(np.uint8)
    fine = np.repeat((100 + 20 * (grid % 2)).astype(np.uint8)[..., np.newaxis], 3, axis=2)
    assert likeness.count_plain(shrink(paint(0), dim, fine, np.full((90, 140, 3), 7, np.uint8))) == 3
