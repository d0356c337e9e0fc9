"""File names taken apart: folders, stem, suffix, tokens, and the words that name a part of a set."""

import re
import unicodedata
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cached_property

from maskmill.sources.patterns import PICTURE_SUFFIXES, SPLIT_FIELD, read_own_split

_TOKEN = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|[\W_]")
_SPLIT_WORD = re.compile(
    r"(?<![A-Za-z])(training|train|validation|valid|val|testing|test)(?=annot|label|mask|image|img|gt|$|[^a-z])", re.IGNORECASE
)


@dataclass(frozen=True)
class Name:
    """A picture's path.

    Args:
        path: relative, as the tree has it.
        folders: the folders above it, composed (NFC).
        stem: its name without suffix, composed.
        suffix: in lower case, with the dot.
    """

    path: str
    folders: tuple[str, ...]
    stem: str
    suffix: str

    @cached_property
    def split_word(self) -> str:
        """The first word in the folders that names a part, as written, or ""."""
        return next((word for folder in self.folders if (word := find_split_word(folder))), "")


def read_names(paths: Iterable[str], suffixes: Container[str] = PICTURE_SUFFIXES) -> list[Name]:
    """Take apart the paths that have one of the suffixes, a picture's where none are given."""
    names = []
    for path in paths:
        *folders, last = unicodedata.normalize("NFC", path).split("/")
        stem, dot, suffix = last.rpartition(".")
        if stem and f"{dot}{suffix.lower()}" in suffixes:
            names.append(Name(path, tuple(folders), stem, f".{suffix.lower()}"))
    return names


def split_tokens(text: str) -> list[str]:
    """Return runs of digits, of letters (camelCase apart) and single separators, which joined give `text`."""
    return _TOKEN.findall(text)


def is_separator(token: str) -> bool:
    """Tell whether a token stands between others rather than for something."""
    return not any(character.isalnum() for character in token)


def find_split_word(text: str) -> str:
    """Return the word in a folder's name that names a part ("train" in "stage1_train" or "trainannot"), or ""."""
    found = _SPLIT_WORD.search(text)
    return found[1] if found else ""


def name_part(word: str) -> str:
    """Return "train", "val" or "test" for a word that means it, else ""."""
    return read_own_split({SPLIT_FIELD: word})


def write_literal(text: str, split_word: str = "") -> str:
    """Write text that stands for itself in a pattern; what a pattern cannot say becomes *, a part's word becomes {split}."""
    literal = re.sub(r"[{}*\\]+", "*", text)
    if split_word:
        literal = re.sub(
            rf"(?<![A-Za-z]){re.escape(split_word)}(?=annot|label|mask|image|img|gt|$|[^a-z])",
            f"{{{SPLIT_FIELD}}}",
            literal,
            flags=re.IGNORECASE,
        )
    return literal
