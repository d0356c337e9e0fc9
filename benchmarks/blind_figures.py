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
from protocol_figures import REDUCED, count_reduced, count_with_void, leave_void_out, micro_iou_class_0_left_out

from maskmill.metrics import VOID, confusion_matrix, dice_per_class, iou_per_class, overall_accuracy
from maskmill.metrics.boundary import boundary_f1_per_class, count_boundaries
from maskmill.pictures import read_ids
from maskmill.scaling import resize_label_mask
from maskmill.sources.unpack import unpack
from maskmill.terminal import say

BACKGROUND, PET = 0, 1  # the border is void
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
    """Return a mask of pets26 (1 cat, 2 dog, 255 border) as background, pet and void."""
    ids = read_ids(path)
    return np.select([ids == VOID, ids > 0], [VOID, PET], BACKGROUND).astype(np.uint8)


def score_reduced(masks: list[Mask]) -> dict[str, float]:
    """Score true outlines at 28 x 28 pixels, there and at full size; the border belongs to the pet."""
    small = full = np.zeros((2, 2), np.int64)
    outlines = np.zeros((2, 2, 2), np.int64)
    for mask in masks:
        truth = np.where(mask == BACKGROUND, BACKGROUND, PET).astype(np.uint8)
        enlarged = resize_label_mask(resize_label_mask(truth, REDUCED), truth.shape)
        small = small + count_reduced(truth, truth, 2)
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
    """Score "every pixel is pet" by the published micro IoU, where the border is a class, and by ours, where it is void."""
    counts = _count_everywhere(masks, PET)
    ious = iou_per_class(leave_void_out(counts))
    return _rounded({"published_micro_iou": micro_iou_class_0_left_out(counts), "pet_iou": ious[PET], "mean_iou": ious.mean()})


def score_all_background(masks: list[Mask]) -> dict[str, float]:
    """Score "no pixel is pet" by pixel accuracy and by the dice of the pet, with the border void."""
    matrix = leave_void_out(_count_everywhere(masks, BACKGROUND))
    return _rounded({"accuracy": overall_accuracy(matrix), "pet_dice": dice_per_class(matrix)[PET]})


def _count_everywhere(masks: list[Mask], class_id: int) -> NDArray[np.int64]:
    """Count pixels, void as a last row, where all are predicted as one class."""
    return np.sum([count_with_void(mask, np.full_like(mask, class_id), 2) for mask in masks], axis=0)


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(float(score), 3) for name, score in scores.items()}


if __name__ == "__main__":
    main()
