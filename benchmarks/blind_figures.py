"""What published ways of scoring do not see, on the true masks of 26 pets; prints one JSON line.

    python benchmarks/blind_figures.py pets26.tar

No model takes part. Three made-up predictions are scored the published way and maskmill's:

    reduced: the true outline at 28 x 28 pixels, enlarged again, as a model has it whose masks are 28 x 28 (border belongs to pet);
    all pet: every pixel is pet; the published micro IoU counts the border as a class and leaves out what is background in truth;
    all background: no pixel is pet; the published figure is pixel accuracy.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskmill.metrics.boundary import boundary_f1_per_class, count_boundaries
from maskmill.metrics.confusion import class_matrices, confusion_matrix, dice_per_class, iou_per_class, overall_accuracy
from maskmill.pictures import read_ids
from maskmill.scaling import resize_label_mask
from maskmill.sources.unpack import unpack
from maskmill.terminal import say

BACKGROUND, PET, BORDER, VOID = 0, 1, 2, 255
SMALL = (28, 28)
TOLERANCE = 2  # presets/default.yaml's evaluate.boundary_tolerance

Mask = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?", help="pets26.tar, or the folder that it holds")
    source = parser.parse_args().source
    if source is None:
        say("blind_figures: left out, it needs the path of pets26.tar")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = source if source.is_dir() else unpack(source, Path(temporary) / "pets")
        masks = [read_trimap(path) for path in sorted(folder.rglob("masks/*.png"))]
    reduced, all_pet, all_background = score_reduced(masks), score_all_pet(masks), score_all_background(masks)
    print(
        json.dumps(
            {
                "benchmark": "blind_figures",
                "unit": "boundary F1 within 2 pixels of masks as good as 28 x 28 pixels allow",
                "figure": reduced["boundary_f1"],
                "peer": "their dice, at 28 x 28 pixels",
                "peer_figure": reduced["dice_at_28"],
                "ratio": round(reduced["boundary_f1"] / reduced["dice_at_28"], 3),
                "reduced": reduced,
                "all_pet": all_pet,
                "all_background": all_background,
                "pictures": len(masks),
            }
        )
    )


def read_trimap(path: Path) -> Mask:
    """Return a mask of pets26 (1 cat, 2 dog, 255 border) as background, pet and border."""
    ids = read_ids(path)
    return np.select([ids == VOID, ids > 0], [BORDER, PET], BACKGROUND).astype(np.uint8)


def score_reduced(masks: list[Mask]) -> dict[str, float]:
    """Score true outlines at 28 x 28 pixels, there and at full size."""
    small = full = np.zeros((2, 2), np.int64)
    outlines = np.zeros((2, 2, 2), np.int64)
    for mask in masks:
        truth = np.where(mask == BACKGROUND, BACKGROUND, PET).astype(np.uint8)
        prediction = resize_label_mask(truth, SMALL)
        small = small + confusion_matrix(resize_label_mask(truth, SMALL), prediction, 2)
        enlarged = resize_label_mask(prediction, truth.shape)
        full = full + confusion_matrix(truth, enlarged, 2)
        outlines += count_boundaries(truth, enlarged, 2, tolerance=TOLERANCE)
    scores = {
        "dice_at_28": dice_per_class(small)[PET],
        "dice": dice_per_class(full)[PET],
        "iou": iou_per_class(full)[PET],
        "boundary_f1": boundary_f1_per_class(outlines)[PET],
    }
    return _rounded(scores)


def score_all_pet(masks: list[Mask]) -> dict[str, float]:
    """Score "every pixel is pet" by the published micro IoU, and by the mean IoU with the border void."""
    published = sum(confusion_matrix(mask, np.full_like(mask, PET), 3) for mask in masks)
    published[BACKGROUND] = 0  # what is background in truth does not count, whatever is predicted there
    binary = class_matrices(published)[[PET, BORDER]].sum(axis=0)
    both, either = binary[1, 1], binary.sum() - binary[0, 0]
    ious = iou_per_class(_count_without_border(masks, PET))
    return _rounded({"published_micro_iou": both / either, "pet_iou": ious[PET], "mean_iou": ious.mean()})


def score_all_background(masks: list[Mask]) -> dict[str, float]:
    """Score "no pixel is pet" by pixel accuracy and by the dice of the pet, with the border void."""
    matrix = _count_without_border(masks, BACKGROUND)
    return _rounded({"accuracy": overall_accuracy(matrix), "pet_dice": dice_per_class(matrix)[PET]})


def _count_without_border(masks: list[Mask], everywhere: int) -> NDArray[np.int64]:
    truths = [np.where(mask == BORDER, VOID, mask).astype(np.uint8) for mask in masks]
    matrices = [confusion_matrix(truth, np.full_like(truth, everywhere), 2) for truth in truths]
    return np.sum(matrices, axis=0)


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(float(score), 3) for name, score in scores.items()}


if __name__ == "__main__":
    main()
