"""What test_protocols.py has done in .venv-peers: python on_published_metrics.py FILE.npz prints the libraries' figures as JSON.

The file holds `truth`, int (N, H, W), whose highest id is void, and `prediction`, of the ids below.
"""

import json
import sys

import numpy as np
import torch

# Beside a CPU build of torch the compiled part of torchvision may be missing, as it is built for CUDA: then it asks for these two
# operations to be known, which nothing here calls.
try:
    import torchvision  # noqa: F401
except RuntimeError:
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from segmentation_models_pytorch import metrics
from torchmetrics.functional import classification

LEFT_OUT = 255


def main(path: str) -> None:
    with np.load(path) as file:
        truth, prediction = (torch.from_numpy(file[name].astype(np.int64)) for name in ("truth", "prediction"))
    void = int(truth.max())
    is_void = truth == void
    as_foreground, found = torch.where(is_void, 1, truth.clamp(max=1)), prediction.clamp(max=1)
    statistics = {
        "": metrics.get_stats(
            prediction, truth.masked_fill(is_void, LEFT_OUT), mode="multiclass", num_classes=void, ignore_index=LEFT_OUT
        ),
        "_void_own_class": metrics.get_stats(prediction, truth, mode="multiclass", num_classes=void + 1),
        "_void_as_class_0": metrics.get_stats(prediction, truth.masked_fill(is_void, 0), mode="multiclass", num_classes=void),
    }
    figures = {f"micro_iou{name}": metrics.iou_score(*each, reduction="micro") for name, each in statistics.items()}
    figures |= {
        f"imagewise_micro_iou{name}": metrics.iou_score(*each, reduction="micro-imagewise") for name, each in statistics.items()
    }
    binary = metrics.get_stats(found[:, None], as_foreground[:, None], mode="binary")
    figures |= {
        "foreground_iou_void_as_foreground": metrics.iou_score(*binary, reduction="micro"),
        "imagewise_foreground_iou_void_as_foreground": metrics.iou_score(*binary, reduction="micro-imagewise"),
        "micro_iou_class_0_left_out": classification.multiclass_jaccard_index(
            prediction, truth, num_classes=void + 1, average="micro", ignore_index=0
        ),
    }
    print(json.dumps({name: float(figure) for name, figure in figures.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
