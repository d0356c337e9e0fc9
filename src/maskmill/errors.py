"""The errors that maskmill raises: each says what happened, what was expected and how to fix it."""

import difflib
from collections.abc import Iterable, Sequence


class MaskmillError(Exception):
    """Something a person can put right.

    Args:
        what: what happened, naming the file and the value.
        expected: what would have been right.
        fix: what to do about it.
    """

    def __init__(self, what: str, *, expected: str = "", fix: str = "") -> None:
        lines = [what]
        if expected:
            lines.append(f"  expected: {expected}")
        if fix:
            lines.append(f"  fix: {fix}")
        super().__init__("\n".join(lines))
        self.what = what
        self.expected = expected
        self.fix = fix

    def __reduce__(self) -> tuple:
        # Workers send errors between processes; the default would pass the joined text as `what`.
        return _rebuild, (type(self), self.what, self.expected, self.fix)


def _rebuild(kind: type[MaskmillError], what: str, expected: str, fix: str) -> MaskmillError:
    return kind(what, expected=expected, fix=fix)


class ParamsError(MaskmillError):
    """params.yaml or a preset says something that cannot be."""


class SourceError(MaskmillError):
    """The data cannot be had: an address, an archive, a folder, a pairing."""


class DataError(MaskmillError):
    """A picture, a mask or a data set is not what it should be."""


class ModelError(MaskmillError):
    """A model cannot be built, read or used as asked."""


class TrainingError(MaskmillError):
    """Training or the search cannot go on."""


class RegistryError(MaskmillError):
    """A run or a model version cannot be recorded."""


def summarise_problems(problems: Sequence[str], most: int = 20) -> str:
    """Join many one-line problems into an indented list, the first `most` of them in full."""
    lines = [f"  - {problem}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"  ... and {len(problems) - most} more")
    return "\n".join(lines)


def suggest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" for the known name that is most like `name`, or nothing."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
