"""What the checks of a data set found: written for the stages after it, shown to a person, asked for before packing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.table import Table

from maskmill import outputs
from maskmill.errors import DataError

SHOWN_FILES = 20  # in a terminal
WRITTEN_FILES = 100  # in the result, which is in git

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: what was checked.
        setting: the key in the validate section of params.yaml that sets the limit; empty for what is not a matter of choice.
        limit: the limit.
        observed: the value that was held against it; None where there was nothing to measure.
        passed: whether it held.
        offending: the user's own files, classes, parts or groups that break it, sorted.
        severity: whether a data set that fails is refused, or goes on with a warning.
    """

    name: str
    setting: str
    limit: float
    observed: float | None
    passed: bool
    offending: tuple[str, ...]
    severity: Severity = "error"


def write_findings(findings: Sequence[Finding], path: Path) -> None:
    """Write findings as JSON, the same bytes for the same findings; of many offending files the first hundred."""
    checks = [
        {**asdict(finding), "offending": finding.offending[:WRITTEN_FILES]}
        for finding in sorted(findings, key=lambda finding: finding.name)
    ]
    result = {"success": not select_failed(findings, "error"), "checks": checks}
    with outputs.new_file(path) as temporary:
        temporary.write_text(json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def select_failed(findings: Sequence[Finding], severity: Severity) -> list[Finding]:
    """Return the findings of a severity that failed."""
    return [finding for finding in findings if not finding.passed and finding.severity == severity]


def require_success(path: Path) -> None:
    """Raise DataError unless `path` holds the findings of a data set that passed all checks."""
    try:
        success = json.loads(path.read_text(encoding="utf-8"))["success"]
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: the data set has not passed its checks", fix="dvc repro validate") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path} is not the result of the checks", fix="dvc repro --force validate") from None
    if success is not True:
        raise DataError(f"{path} says that the data set failed its checks", fix="correct the data, then dvc repro validate")


def build_failure_table(failed: Sequence[Finding], title: str) -> Table:
    """Return failed checks as a table for the terminal, with the first files of each."""
    table = Table("check", "limit", "found", "where", title=title, show_lines=True)
    for finding in failed:
        limit = f"{finding.limit:g}" + (f"\nvalidate.{finding.setting}" if finding.setting else "")
        found = "nothing" if finding.observed is None else f"{finding.observed:.4g}"
        table.add_row(finding.name, limit, found, _shorten(finding.offending))
    return table


def describe_failures(failed: Sequence[Finding]) -> str:
    """Return the names of failed checks in one line."""
    return ", ".join(finding.name for finding in failed)


def _shorten(files: Sequence[str]) -> str:
    more = [f"... and {len(files) - SHOWN_FILES} more"] if len(files) > SHOWN_FILES else []
    return "\n".join([*files[:SHOWN_FILES], *more])
