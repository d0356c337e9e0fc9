"""What holds of every loss with every head."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from loss_scenes import HEADS, NUM_CLASSES, SCENES, TERMS, draw_scenes, find_gradient, find_loss

from maskmill.labels.classes import VOID_BIT

ALL = pytest.mark.parametrize("term", TERMS)
EACH_HEAD = pytest.mark.parametrize("head", HEADS)


@ALL
@settings(max_examples=15)
@given(scene=draw_scenes())
def test_a_perfect_prediction_costs_nothing(term: str, scene) -> None:
    assert find_loss(term, scene.masks, scene.predict(40.0), scene.head) == pytest.approx(0, abs=1e-4)


@ALL
@settings(max_examples=15)
@given(scene=draw_scenes())
def test_void_pixels_do_not_matter(term: str, scene) -> None:
    other = scene.logits.copy()
    other[~scene.counted] *= -7
    found = find_loss(term, scene.masks, scene.logits, scene.head)
    assert found == pytest.approx(find_loss(term, scene.masks, other, scene.head), rel=1e-4, abs=1e-6)
    assert np.isfinite(found)
    assert (find_gradient(term, scene.masks, scene.logits, scene.head)[~scene.counted] == 0).all()


@ALL
@settings(max_examples=10)
@given(scene=draw_scenes(scale=1e4))
def test_large_logits_give_finite_losses_and_gradients(term: str, scene) -> None:
    assert np.isfinite(find_loss(term, scene.masks, scene.logits, scene.head))
    assert np.isfinite(find_gradient(term, scene.masks, scene.logits, scene.head)).all()


@EACH_HEAD
@ALL
def test_equal_logits_give_finite_gradients(term: str, head: str) -> None:
    masks, logits = SCENES[head]
    assert np.isfinite(find_gradient(term, masks, np.zeros_like(logits), head)).all()


@settings(max_examples=10)
@given(scene=draw_scenes())
def test_a_focal_loss_with_a_root_has_finite_gradients_where_all_is_right(scene) -> None:
    assert np.isfinite(find_gradient("focal", scene.masks, scene.predict(1e3), scene.head, focal_gamma=0.5)).all()


@EACH_HEAD
@ALL
def test_nothing_labelled_gives_no_loss_and_no_gradient(term: str, head: str) -> None:
    masks = np.full((1, 2, 3), VOID_BIT | 1 if head == "sigmoids" else 255, np.uint16)
    assert find_loss(term, masks, SCENES[head][1], head, label_smoothing=0.1) == 0
    assert (find_gradient(term, masks, SCENES[head][1], head, label_smoothing=0.1) == 0).all()


@EACH_HEAD
@ALL
def test_classes_that_are_nowhere_give_numbers(term: str, head: str) -> None:
    masks = np.array([[[0, 0, 0, 255], [0, 0, 0, 0]]], np.uint8)  # background alone, or no class at all
    logits = np.random.default_rng(0).normal(size=(1, 2, 4, NUM_CLASSES[head])).astype(np.float32)
    assert np.isfinite(find_loss(term, masks, logits, head))
    assert np.isfinite(find_gradient(term, masks, logits, head)).all()


@pytest.mark.parametrize("term", [term for term in TERMS if term != "boundary"])  # which asks for boundaries, not for pixels
@settings(max_examples=15)
@given(scene=draw_scenes(), place=st.integers(0, 1000))
def test_a_wrong_pixel_is_pulled_to_its_class(term: str, scene, place: int) -> None:
    rows, columns = np.nonzero(scene.counted[0])
    pixel = (0, rows[place % len(rows)], columns[place % len(rows)])
    logits = scene.predict(3.0)
    truth = scene.truth[pixel]
    if scene.head == "softmax":
        wrong = (truth.argmax() + 1) % 3
        logits[pixel] = np.where(np.arange(3) == wrong, 3.0, -3.0)
        gradient = find_gradient(term, scene.masks, logits, "softmax")[pixel]
        assert gradient[truth.argmax()] < 0
        assert gradient.sum() == pytest.approx(0, abs=1e-6)  # so the others go down, all told
        return
    plane = 1 if scene.head == "sigmoid" else 0  # of which the scene has a pixel
    assume(scene.truth[..., plane].any())
    logits[(*pixel, plane)] *= -1
    gradient = find_gradient(term, scene.masks, logits, scene.head)[(*pixel, plane)]
    assert gradient < 0 if truth[plane] else gradient > 0
