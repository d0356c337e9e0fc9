"""Who becomes champion: every check with its numbers, every skip with its reason; a skip is never a pass."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Contender:
    """What the gate wants to know of a version.

    Attributes:
        version: its number.
        dice: the headline dice on the test part (`metrics.headline_dice`), NaN where unknown.
        device_kind: "gpu" or "cpu", None where unknown.
        validated: whether the data passed validation, None where unknown.
        test_manifest: `hash_test_part` of what the dice was measured on, None where unknown.
    """

    version: str
    dice: float
    device_kind: str | None
    validated: bool | None
    test_manifest: str | None


@dataclass(frozen=True)
class Check:
    """One check of the gate: its name, how it came out, and why."""

    name: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What the gate decided.

    Attributes:
        promoted: whether the contender becomes champion.
        reason: one sentence for people.
        checks: all checks in order.
    """

    promoted: bool
    reason: str
    checks: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return this as JSON-able values."""
        return {**asdict(self), "checks": [asdict(check) for check in self.checks]}


def judge(contender: Contender, champion: Contender | None, *, require_gpu: bool, floor: float) -> Verdict:
    """Decide whether a version becomes champion.

    Args:
        contender: the new version.
        champion: the present one, None where there is none.
        require_gpu: only a version trained on a GPU may become champion.
        floor: the lowest dice of a first champion, 0 to 1.

    Returns:
        The verdict. What is unknown fails its check; what does not apply is skipped and decides nothing.
    """
    checks = [
        _check_device(contender, require_gpu),
        _check_validation(contender),
        _check_floor(contender, champion, floor),
        _check_same_test(contender, champion),
    ]
    checks.append(_check_better(contender, champion, comparable=checks[-1].outcome == "passed"))
    failed = [check.reason for check in checks if check.outcome == "failed"]
    decisive = "floor" if champion is None else "better"
    decided = any(check.name == decisive and check.outcome == "passed" for check in checks)
    if decided and not failed:
        return Verdict(True, f"version {contender.version} is champion: {_reason(checks, decisive)}", tuple(checks))
    return Verdict(False, f"version {contender.version} is not champion: {'; '.join(failed)}", tuple(checks))


def hash_test_part(statistics: Path) -> str | None:
    """Identify the test part that figures were measured on.

    Args:
        statistics: statistics.csv, which encode wrote.

    Returns:
        sha256 over the sorted test samples' ids, picture hashes and pixels of each class, so that corrected masks count as
        another test; None when there is no test sample.
    """
    table = pd.read_csv(statistics, dtype={"id": "str", "split": "str"}, keep_default_na=False)
    test = table[table["split"] == "test"].sort_values("id")
    if test.empty:
        return None
    columns = ["id", "image_hash", *sorted(name for name in test.columns if name.startswith("pixels_"))]
    return hashlib.sha256(test[columns].to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def _check_device(contender: Contender, require_gpu: bool) -> Check:
    kind = contender.device_kind
    if kind == "gpu":
        return Check("device", "passed", "trained on a GPU")
    trained = f"trained on a {kind.upper()}" if kind else "trained on an unknown device"
    if not require_gpu:
        return Check("device", "skipped", f"{trained}; register.require_gpu is false")
    return Check("device", "failed", f"{trained}, and only GPU-trained models become champion (register.require_gpu)")


def _check_validation(contender: Contender) -> Check:
    if contender.validated:
        return Check("validation", "passed", "the data passed validation")
    known = "the data did not pass validation" if contender.validated is False else "it is not known whether the data is valid"
    return Check("validation", "failed", known)


def _check_floor(contender: Contender, champion: Contender | None, floor: float) -> Check:
    if champion is not None:
        return Check("floor", "skipped", f"version {champion.version} is champion already")
    if math.isnan(contender.dice):
        return Check("floor", "failed", "its dice is unknown")
    if contender.dice < floor:
        return Check("floor", "failed", f"dice {contender.dice:.4f} is below register.floor {floor:g}")
    return Check("floor", "passed", f"dice {contender.dice:.4f}, the first champion needs {floor:g}")


def _check_same_test(contender: Contender, champion: Contender | None) -> Check:
    if champion is None:
        return Check("same_test", "skipped", "there is no champion to compare with")
    own, other = contender.test_manifest, champion.test_manifest
    if own is not None and own == other:
        return Check("same_test", "passed", f"both were measured on test pictures {own[:12]}")
    shown = f"{_short(own)}, champion version {champion.version} on {_short(other)}"
    way_out = "register the champion's model again on these (maskmill register), or take its alias away"
    return Check("same_test", "failed", f"measured on test pictures {shown}: their dice cannot be compared; {way_out}")


def _check_better(contender: Contender, champion: Contender | None, *, comparable: bool) -> Check:
    if champion is None:
        return Check("better", "skipped", "there is no champion to beat")
    if not comparable:
        return Check("better", "skipped", "measured on other test pictures than the champion")
    numbers = f"dice {contender.dice:.4f} against {champion.dice:.4f} of champion version {champion.version}"
    if contender.dice > champion.dice:  # False where either is NaN
        return Check("better", "passed", numbers)
    return Check("better", "failed", f"{numbers} is not better")


def _reason(checks: Sequence[Check], name: str) -> str:
    return next(check.reason for check in checks if check.name == name)


def _short(manifest: str | None) -> str:
    return manifest[:12] if manifest else "unknown"
