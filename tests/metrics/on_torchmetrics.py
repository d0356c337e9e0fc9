"""What test_torchmetrics.py has done in .venv-peers: python on_torchmetrics.py FILE.npz prints torchmetrics' figures as JSON."""

import json
import sys

import numpy as np
import torch

# torchmetrics imports torchvision. Beside a CPU build of torch its compiled part may be missing, as it is built for CUDA: then
# it asks for these two operations to be known, which nothing here calls.
try:
    import torchvision  # noqa: F401
except RuntimeError:
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchmetrics.functional import classification

VOID = 255


def main(path: str) -> None:
    with np.load(path) as file:
        truth, prediction = (torch.from_numpy(file[name].astype(np.int64)) for name in ("truth", "prediction"))
        options = {"num_classes": int(file["num_classes"]), "ignore_index": VOID}
    figures = {
        "dice": classification.multiclass_f1_score(prediction, truth, average=None, **options),
        "iou": classification.multiclass_jaccard_index(prediction, truth, average=None, **options),
        "precision": classification.multiclass_precision(prediction, truth, average=None, **options),
        "true_positive_rate": classification.multiclass_recall(prediction, truth, average=None, **options),
        "mean_dice": classification.multiclass_f1_score(prediction, truth, average="macro", **options),
        "mean_iou": classification.multiclass_jaccard_index(prediction, truth, average="macro", **options),
        "accuracy": classification.multiclass_accuracy(prediction, truth, average="micro", **options),
    }
    matrix = classification.multiclass_confusion_matrix(prediction, truth, **options)
    print(json.dumps({name: figure.tolist() for name, figure in {**figures, "confusion": matrix}.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
