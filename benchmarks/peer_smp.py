"""U-Net on a backbone against segmentation_models_pytorch's; prints one JSON line a backbone.

    python benchmarks/peer_smp.py [BACKBONE ...]        resnet18 and resnet34 where none is named; needs .venv-peers (make peers)

Both have the same architecture, classes, batch, picture size and threads, random weights, AdamW and cross-entropy. The peer runs in
a process of its own, channels-last, and waits while we run; steps alternate, and the fastest of each counts. We take uint8 and
scale it within the model; the peer is given scaled float32. Training is `train_on_batch` on what training compiles, inference is
the model that `evaluation.inference.Predictor` makes of a trained one. Rates are pictures a second. "auto" is train.precision auto:
`ratio` is to the peer's float32, `ratio_to_autocast` to its bfloat16.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SIDE, BATCH, NUM_CLASSES = 256, 8, 5
ROUNDS = 10
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
TASKS = {"training": BATCH, "inference": BATCH, "inference of one": 1}  # with the pictures in a batch
Steps = dict[str, Callable[[], object]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("backbones", nargs="*", default=["resnet18", "resnet34"])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="steps of each kind that count; one more warms up")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)  # be the other process
    arguments = parser.parse_args()
    if arguments.peer:
        serve_peer(arguments.backbones[0])
        return
    for backbone in arguments.backbones:
        print(json.dumps(compare(backbone, arguments.rounds)), flush=True)


def compare(backbone: str, rounds: int) -> dict[str, Any]:
    """Take steps of each kind in turns, and compare the fastest."""
    steps, facts = build_ours(backbone)
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    command = [str(PEER_PYTHON), __file__, "--peer", backbone]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        peer_facts = json.loads(peer.stdout.readline())
        times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in steps}
        for kind in steps:
            for _ in range(rounds + 2):
                times[kind].append((measure(steps[kind]), ask(peer.stdin, peer.stdout, kind)))
        peer.stdin.close()
    fastest = {kind: tuple(min(side) for side in zip(*each[2:], strict=True)) for kind, each in times.items()}
    found = {task: compare_task(task, pictures, fastest) for task, pictures in TASKS.items()}
    return {
        "benchmark": "peer_smp",
        "unit": f"pictures/s at {SIDE} x {SIDE}, unet on {backbone}, training in float32 in batches of {BATCH}, {THREADS} threads",
        **found["training"]["float32"],
        "peer": f"segmentation_models_pytorch {peer_facts['version']}, torch {peer_facts['torch']}, channels-last",
        "auto_is": facts["auto_is"],
        "parameters": facts["parameters"],
        "peer_parameters": peer_facts["parameters"],
        **found,
    }


def compare_task(task: str, pictures: int, fastest: dict[str, tuple[float, ...]]) -> dict[str, Any]:
    """Return rates and ratios of a task from the fastest seconds of us and of the peer."""
    (ours, peer), (ours_auto, autocast) = (fastest[f"{task}, {precision}"] for precision in ("float32", "auto"))
    return {
        "float32": {
            "figure": round(pictures / ours, 2),
            "peer_figure": round(pictures / peer, 2),
            "ratio": round(peer / ours, 3),
        },
        "auto": {
            "figure": round(pictures / ours_auto, 2),
            "ratio": round(peer / ours_auto, 3),
            "autocast_figure": round(pictures / autocast, 2),
            "ratio_to_autocast": round(autocast / ours_auto, 3),
        },
    }


def measure(step: Callable[[], object]) -> float:
    """Return the seconds that one step takes."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def ask(questions: IO[str], answers: IO[str], kind: str) -> float:
    """Have the peer take a step; return the seconds that it took there."""
    questions.write(f"{kind}\n")
    questions.flush()
    return float(answers.readline())


def build_ours(backbone: str) -> tuple[Steps, dict[str, Any]]:
    """Return our steps by kind, and what is to be said of our model."""
    from maskmill import backend  # noqa: F401  before whatever else imports Keras
    from maskmill.models import build_model
    from maskmill.models.folding import fold_norms
    from maskmill.models.freezing import freeze_weights
    from maskmill.training.device import choose_precision, prepare_device
    from maskmill.training.losses import WeightedSum
    from maskmill.training.optimizers import build_optimizer

    pictures, masks = draw()
    steps: Steps = {}
    facts: dict[str, Any] = {"auto_is": choose_precision("auto")}
    for precision in ("float32", "auto"):
        prepare_device(seed=0, precision=precision)
        model = build_model("unet", channels=3, num_classes=NUM_CLASSES, backbone=backbone, weights="none")
        facts["parameters"] = model.count_params()
        optimizer = build_optimizer(model, learning_rate=1e-3, weight_decay=1e-2, steps=1000, warmup=0.1)
        model.compile(optimizer, WeightedSum({"cross_entropy": 1.0}), jit_compile="auto")
        model.train_on_batch(pictures, masks)  # TensorFlow leaves out what untrained norms add: zeros
        frozen = freeze_weights(fold_norms(model))
        steps[f"training, {precision}"] = lambda model=model: model.train_on_batch(pictures, masks)
        steps[f"inference, {precision}"] = lambda frozen=frozen: frozen.predict_on_batch(pictures)
        steps[f"inference of one, {precision}"] = lambda frozen=frozen: frozen.predict_on_batch(pictures[:1])
    return steps, facts


def serve_peer(backbone: str) -> None:
    """Answer each line of standard input, the kind of a step, with the seconds that the step took."""
    import torch

    # Beside a CPU build of torch the compiled part of torchvision may be missing, as it is built for CUDA: then it asks for these
    # two operations to be known, which nothing here calls.
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import segmentation_models_pytorch as smp

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    steps: Steps = {}
    for precision in ("float32", "auto"):
        model = smp.Unet(backbone, encoder_weights=None, classes=NUM_CLASSES).to(memory_format=torch.channels_last)
        add_peer_steps(steps, model, precision)
    parameters = sum(each.numel() for each in model.parameters())
    print(json.dumps({"version": smp.__version__, "torch": torch.__version__, "parameters": parameters}), flush=True)
    for line in sys.stdin:
        print(measure(steps[line.strip()]), flush=True)


def add_peer_steps(steps: Steps, model: Any, precision: str) -> None:
    import torch

    pictures, masks = draw()
    batch = torch.from_numpy(pictures.astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    truth = torch.from_numpy(masks.astype(np.int64))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)

    def autocast() -> Any:
        return torch.autocast("cpu", torch.bfloat16, enabled=precision == "auto")

    def train() -> None:
        model.train()
        optimizer.zero_grad(set_to_none=True)
        with autocast():
            loss = torch.nn.functional.cross_entropy(model(batch).float(), truth)
        loss.backward()
        optimizer.step()

    def infer(inputs: Any) -> None:
        model.eval()
        with torch.inference_mode(), autocast():
            model(inputs)

    steps[f"training, {precision}"] = train
    steps[f"inference, {precision}"] = lambda: infer(batch)
    steps[f"inference of one, {precision}"] = lambda: infer(batch[:1])


def draw() -> tuple[np.ndarray, np.ndarray]:
    """Return noise: uint8 pictures (B, H, W, 3), and masks (B, H, W)."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (BATCH, SIDE, SIDE, 3), np.uint8), rng.integers(0, NUM_CLASSES, (BATCH, SIDE, SIDE), np.uint8)


if __name__ == "__main__":
    main()
