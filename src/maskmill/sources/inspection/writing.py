"""Patterns written for people: constants as text, fields with names that say what varies."""

import re
from collections.abc import Iterable, Mapping, Sequence

from maskmill.sources.inspection.names import Name, find_split_word, name_part, write_literal
from maskmill.sources.patterns import SPLIT_FIELD

_FIELD = re.compile(r"\{(\w+)\}")


def collect_values(matches: Iterable[Mapping[str, str]]) -> dict[str, set[str]]:
    """Return all values of each field."""
    values: dict[str, set[str]] = {}
    for fields in matches:
        for name, value in fields.items():
            values.setdefault(name, set()).add(value)
    return values


def rename_fields(patterns: Sequence[str], values: Mapping[str, set[str]]) -> list[str]:
    """Write out fields of one value as text, and name the others: {split}, {folder}, {name}, after what they hold."""
    names: dict[str, str] = {}  # field -> what is written for it
    taken = {SPLIT_FIELD, "class"}
    for field in sorted(values, key=lambda field: (field[0] != "s", field)):
        if len({value.casefold() for value in values[field]}) == 1 and len(values) > 1 and _leaves_a_field(field, values):
            names[field] = write_literal(min(values[field]))
        elif (field == SPLIT_FIELD or field[0] == "f") and f"{{{SPLIT_FIELD}}}" not in names.values() and _divide(values[field]):
            names[field] = f"{{{SPLIT_FIELD}}}"
        else:
            wanted = _choose_name(field, values[field], taken)
            taken.add(wanted)
            names[field] = f"{{{wanted}}}"
    return [_FIELD.sub(lambda found: names.get(found[1], found[0]), pattern) for pattern in patterns]


def _divide(values: set[str]) -> bool:
    """Tell whether values name parts, one of them to train on."""
    parts = {name_part(value) for value in values}
    return "" not in parts and "train" in parts


def generalise(names: Sequence[Name]) -> str:
    """Return one pattern for files of one depth: folders that are constant as text, the part's word as {split}."""
    parts = []
    for place in range(len(names[0].folders)):
        texts = {name.folders[place] for name in names}
        if len(texts) == 1:
            parts.append(write_literal(texts.pop()))
        elif shared := _share_split(texts):
            parts.append(shared)
        else:
            parts.append(f"{{f{place}}}")
    suffixes = {name.suffix for name in names}
    parts.append("{s0}" + (suffixes.pop() if len(suffixes) == 1 else ".*"))
    return "/".join(parts)


def _share_split(texts: set[str]) -> str:
    """Return the pattern of folders that differ in the part's word alone, or ""."""
    words = {text: find_split_word(text) for text in texts}
    if not all(name_part(word) for word in words.values()):
        return ""
    shared = {write_literal(text, word) for text, word in words.items()}
    return shared.pop() if len(shared) == 1 else ""


def _leaves_a_field(field: str, values: Mapping[str, set[str]]) -> bool:
    """Tell whether another field varies: a set of one sample keeps its name as a field."""
    return any(len(texts) > 1 for name, texts in values.items() if name != field) or (field[0] != "s" and "s0" in values)


def _choose_name(field: str, values: set[str], taken: set[str]) -> str:
    if field[0] == "s":
        wanted = "name"
    else:
        heads = {re.sub(r"[\W\d_]+$", "", value).casefold() for value in values}
        head = heads.pop() if len(heads) == 1 else ""
        wanted = head if head.isidentifier() and head.isascii() and head not in ("name", "part") else "folder"
    fallbacks = (wanted, "part", *(f"{wanted}{number}" for number in range(2, 99)))
    return next(name for name in fallbacks if name not in taken)
