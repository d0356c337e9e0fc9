"""The closing summary names the figures of both parts, the version and commands that can be run."""

from pathlib import Path

from maskmill.evaluation.summary import build_table, print_summary
from maskmill.terminal import console

METRICS = {
    "split": "test",
    "dice": 0.65,
    "iou": 0.5,
    "accuracy": 0.9,
    "precision": 0.71,
    "true_positive_rate": float("nan"),
    "boundary_f1": 0.33,
    "boundary_tolerance": 2,
    "classes": {"sky": {"dice": 0.8, "iou": 0.7}, "tree": {"dice": 0.5, "iou": 0.3}, "car": {"dice": None, "iou": None}},
    "pictures": 2,
    "val": {
        "dice": 0.61,
        "iou": 0.41,
        "accuracy": 0.91,
        "precision": 0.72,
        "true_positive_rate": 0.62,
        "boundary_f1": 0.32,
        "pictures": 3,
        "classes": {name: {"dice": 0.612, "iou": float("nan")} for name in ("sky", "tree", "car")},
    },
}
REGISTERED = {"version": 3, "alias": "candidate", "no_champion_because": "trained on a CPU"}


def show(capsys, **registration):
    print_summary(METRICS, figures=Path("build/figures"), name="mill", curl="curl -s x \\\n  -d @y", **registration)
    return capsys.readouterr().out


def test_figures_and_commands_are_printed(capsys):
    printed = show(capsys, **REGISTERED)
    rows = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]] for line in printed.splitlines() if "│" in line
    }
    assert rows["sky"] == ["0.612", "absent", "0.800", "0.700"]
    assert rows["car"] == ["0.612", "absent", "absent", "absent"]
    assert rows["mean over classes"] == ["0.610", "0.410", "0.650", "0.500"]
    assert rows["pixel accuracy"] == ["0.910", "", "0.900", ""]
    assert rows["precision"] == ["0.720", "", "0.710", ""]
    assert rows["true-positive rate"] == ["0.620", "", "absent", ""]
    assert rows["boundary F1 within 2 px"] == ["0.320", "", "0.330", ""]
    for line in (
        "  mlflow ui",
        "  mlflow models serve -m models:/mill@candidate --env-manager local --port 5001",
        "  curl -s x \\",
        "    -d @y",
    ):
        assert line in printed.splitlines()
    assert "version 3, alias candidate" in printed
    assert "trained on a CPU" in printed


def test_figures_of_an_earlier_release_have_a_table_too(capsys):
    earlier = {name: METRICS[name] for name in ("split", "dice", "iou", "accuracy", "classes", "pictures", "val")}
    console.print(build_table(earlier))
    printed = capsys.readouterr().out
    assert "pixel accuracy" in printed
    assert "boundary" not in printed


def test_overlapping_classes_headline_their_mean(capsys):
    two = {name: METRICS["classes"][name] for name in ("sky", "tree")}
    metrics = METRICS | {"labels": "overlapping", "classes": two}
    print_summary(metrics, figures=Path("figures"), name="mill", curl="", alias="a", version=1, no_champion_because=None)
    printed = capsys.readouterr().out
    assert "mean over classes" in printed
    assert "accuracy over pixels and classes" in printed


def test_a_champion_needs_no_excuse(capsys):
    printed = show(capsys, version=4, alias="champion", no_champion_because=None)
    assert "models:/mill@champion" in printed
    assert "no new champion" not in printed


def test_another_store_is_named_for_every_command(capsys):
    printed = show(capsys, **REGISTERED, store="http://tracker:5000")
    assert "  export MLFLOW_TRACKING_URI=http://tracker:5000" in printed.splitlines()
    assert "  open http://tracker:5000" in printed.splitlines()
    assert "  mlflow ui --backend-store-uri sqlite:////data/runs.db" in show(capsys, **REGISTERED, store="sqlite:////data/runs.db")
