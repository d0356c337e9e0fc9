"""Patterns that say where pictures lie and what their names mean: "{split}/{flight}_{scene}.jpg"."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from maskmill.errors import SourceError
from maskmill.pictures import KEPT_SUFFIXES

PICTURE_SUFFIXES = frozenset().union(*KEPT_SUFFIXES.values()) | {".gif", ".jp2", ".pgm", ".ppm"}
Split = Literal["train", "val", "test"]
SPLIT_FIELD = "split"
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "trn": "train",
    "tst": "test",
    "dev": "val",
    "eval": "val",
    "evaluation": "val",
}
MEANING = "{field} = part of one name, * = anything within one, ** = any folders, .* at the end = any picture suffix"
_TOKEN = re.compile(r"\{([^{}]*)\}|(\*)|([^{}*]+)|([{}])")


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern.

    Args:
        text: as written.
        fields: the names in braces, in order, each once.
        expression: matches a whole relative POSIX path.
        num_literals: characters that stand for themselves: of two patterns that match a file, the one with more says more about it.
    """

    text: str
    fields: tuple[str, ...]
    expression: re.Pattern[str]
    num_literals: int

    def match(self, path: str) -> dict[str, str] | None:
        """Return the fields' values in a relative POSIX path, or None where it does not fit; letter case plays no part."""
        found = self.expression.fullmatch(unicodedata.normalize("NFC", path))  # macOS packs accents decomposed
        return found.groupdict() if found else None


def compile_pattern(text: str, setting: str) -> Pattern:
    """Compile a pattern.

    A field reaches as far as it can ("{flight}_{scene}" splits at the last underscore); one that occurs twice is the
    same text twice.

    Args:
        text: relative to the source's root, with "/" between folders.
        setting: where it stands in params.yaml, for messages.

    Raises:
        SourceError: an absolute path, "..", a stray brace, a name that cannot be a field, "**" beside other text, or no field.
    """
    components = unicodedata.normalize("NFC", text).split("/")
    if "" in components or ".." in components or "\\" in text:
        raise _unusable(setting, text, "it is not a relative path with / between folders")
    if components[-1] == "**":
        raise _unusable(setting, text, "it ends with folders, not with a file name")
    fields: list[str] = []
    expression, num_literals = "", 0
    for number, component in enumerate(components):
        is_last = number == len(components) - 1
        if component == "**":
            expression += "(?:[^/]+/)*"
            continue
        if "**" in component:
            raise _unusable(setting, text, "** stands beside other text within one name")
        if is_last and component.endswith(".*"):
            suffixes = "|".join(sorted(suffix[1:] for suffix in PICTURE_SUFFIXES))
            expression += _translate(component[:-2], fields, setting, text) + rf"\.(?:{suffixes})"
        else:
            expression += _translate(component, fields, setting, text) + ("" if is_last else "/")
        num_literals += len(re.sub(r"\{[^{}]*\}|\*", "", component))
    if not fields:
        raise _unusable(setting, text, "it has no {field}, so nothing tells the pictures apart")
    return Pattern(text, tuple(fields), re.compile(expression, re.IGNORECASE), num_literals)


def build_key(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return what pairs a picture with its mask: the values in the order of the fields' names, letter case taken away."""
    return tuple(fields[name].casefold() for name in sorted(fields))


def read_own_split(fields: Mapping[str, str]) -> str:
    """Return "train", "val" or "test" as the {split} field says it, with or without a year or a capital letter, else ""."""
    value = re.sub(r"(?<=[a-z])[A-Z]$", "", fields.get(SPLIT_FIELD, ""))  # testA
    return SPLIT_NAMES.get(value.casefold().rstrip("0123456789_- "), "")


def _translate(component: str, fields: list[str], setting: str, text: str) -> str:
    """Return the regular expression of one path component, adding the fields it names to `fields`."""
    expression = ""
    for name, star, literal, brace in _TOKEN.findall(component):
        if star:
            expression += "[^/]*"
        elif literal:
            expression += re.escape(literal)
        elif brace or not (name.isidentifier() and name.isascii()):
            raise _unusable(setting, text, f"{brace or '{' + name + '}'} is no field")
        elif name in fields:
            expression += f"(?P={name})"
        else:
            fields.append(name)
            expression += f"(?P<{name}>[^/]+)"
    return expression


def _unusable(setting: str, text: str, reason: str) -> SourceError:
    return SourceError(f"{setting} {text!r} cannot be used: {reason}", expected=MEANING, fix='e.g. "{split}/images/{name}.*"')
