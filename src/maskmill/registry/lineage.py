"""Which code, data and settings a run came from, so that the record leads back to Git and DVC."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

import maskmill
from maskmill.registry.tracking import RunRecord

WRITTEN_BY_STAGES = ("dvc.lock", "results")  # tracked by Git, yet a running pipeline changes them: no sign of edited code
MAX_DIFF_LENGTH = 1_000_000
# Of the files that Git does not know, what can change a run; pictures are in the data hash, and a secret is nobody's business.
CODE = ("*.py", "*.yaml", "*.yml", "*.toml")


@dataclass(frozen=True)
class GitState:
    """The state of a checkout.

    Attributes:
        commit: the full commit hash; None outside a repository or before the first commit.
        diff: what differs from it, code that Git does not know yet included; empty for a clean checkout.
    """

    commit: str | None
    diff: str

    @property
    def dirty(self) -> bool:
        """Whether the commit alone does not tell what ran."""
        return bool(self.diff)


def git_state(checkout: Path = Path()) -> GitState:
    """Ask Git for the commit of a checkout and for what differs from it, apart from what the stages write."""
    commit = _git(checkout, "rev-parse", "HEAD")
    if commit is None:
        return GitState(None, "")
    others = ["--", ".", *(f":(exclude){path}" for path in WRITTEN_BY_STAGES)]
    diff = _git(checkout, "diff", "HEAD", *others) or ""
    excluded = [path for path in others if path.startswith(":")]
    unknown = (_git(checkout, "ls-files", "--others", "--exclude-standard", "--", *CODE, *excluded) or "").splitlines()
    for path in unknown:
        if len(diff) < MAX_DIFF_LENGTH:
            # --no-index leaves with 1 when there is a difference, and there always is one to nothing
            diff += _git(checkout, "diff", "--no-index", "--", os.devnull, path, accepted=(0, 1)) or ""
    return GitState(commit.strip(), diff[:MAX_DIFF_LENGTH])


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's bytes as hexadecimal digits; of statistics.csv, this is the run's data hash."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_samples(path: Path) -> str:
    """Return the sha256 of statistics.csv without its parts: of the pictures, masks and groups, however they are divided."""
    table = pd.read_csv(path, dtype="str", keep_default_na=False).drop(columns="split")
    return hashlib.sha256(table.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def log_lineage(record: RunRecord, *, data_hash: str, device: Mapping[str, str], checkout: Path = Path()) -> GitState:
    """Tag a run with its code, data and device, and keep params.yaml, dvc.lock and uncommitted changes as its artifacts.

    Args:
        record: the run.
        data_hash: `hash_file` of statistics.csv, which holds every picture's hash and part and every mask's pixel counts.
        device: `kind` ("cpu" or "gpu"), `name` and `backend`.
        checkout: the folder that the stage runs in.

    Returns:
        The state of the checkout.
    """
    state = git_state(checkout)
    record.set_tags(
        {
            "mlflow.source.git.commit": state.commit,
            "maskmill.version": maskmill.__version__,
            "maskmill.git_commit": state.commit,
            "maskmill.git_dirty": state.dirty,
            "maskmill.data_hash": data_hash,
            "maskmill.device_kind": device["kind"],
            "maskmill.device_name": device["name"],
            "maskmill.backend": device.get("backend"),
            "maskmill.preset": read_preset(checkout / "params.yaml"),
            "maskmill.dvc_exp": os.environ.get("DVC_EXP_NAME"),
            "maskmill.dvc_stage": os.environ.get("DVC_STAGE"),
        }
    )
    for name in ("params.yaml", "dvc.lock"):
        if (checkout / name).exists():
            record.log_artifact(checkout / name, "lineage")
    if state.diff:
        record.log_text(state.diff, "lineage/uncommitted.diff")
    return state


def read_preset(params: Path) -> str | None:
    """Return the name of the preset that a params.yaml was written from; None where there is no such file, or it has none."""
    if not params.exists():
        return None
    values = YAML(typ="safe", pure=True).load(params.read_text(encoding="utf-8"))
    return values.get("preset") if isinstance(values, dict) else None


def _git(checkout: Path, *arguments: str, accepted: tuple[int, ...] = (0,)) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, check=False)
    except FileNotFoundError:  # Git is not installed
        return None
    return done.stdout.decode(errors="replace") if done.returncode in accepted else None
