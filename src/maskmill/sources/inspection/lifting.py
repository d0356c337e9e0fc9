"""Rules made more general where others like them differ in a folder or in a word alone."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from maskmill.sources.inspection.names import is_separator, split_tokens
from maskmill.sources.inspection.rules import Rule

_PIECE = re.compile(r"(\{\w+\})")
_HOLE = "\0"
_MOST_RULES = 3000
Votes = tuple[Rule, int]


def lift_rules(rules: Sequence[Votes]) -> list[Votes]:
    """Return the more general rules that the given ones are cases of, with the votes of their cases.

    Words that vary together on both sides become a field ("set-TR/images-TR" and "set-TE/images-TE"); then folders of one side
    that say nothing about the other one become * ("photos/Ann Lee" and "photos/Bob May" beside one folder of masks).
    """
    worded = _join(rules[:_MOST_RULES], _cut_words, "{f99}")
    starred = _join([*worded, *rules[:_MOST_RULES]], _cut_folders, "*")
    return [*starred, *worded]


def _join(rules: Sequence[Votes], cut: Callable[[Rule], Iterator[tuple[Rule, str]]], filling: str) -> list[Votes]:
    """Return the rules that have several cases which differ in what `cut` takes out."""
    cases: dict[Rule, dict[str, int]] = defaultdict(dict)
    for rule, count in rules:
        for key, text in cut(rule):
            cases[key][text] = cases[key].get(text, 0) + count
    joined = [
        ((key[0].replace(_HOLE, filling), key[1].replace(_HOLE, filling)), sum(found.values()))
        for key, found in cases.items()
        if len(found) > 1
    ]
    return sorted(joined, key=lambda item: (-item[1], item[0]))


def _cut_words(rule: Rule) -> Iterator[tuple[Rule, str]]:
    """Yield the rule without a word that the folders of both sides have, for each such word."""
    if "{f99}" in rule[0]:
        return
    sides = [_split(text) for text in rule]
    shared = {token for token in sides[0] if _is_word(token)} & {token for token in sides[1] if _is_word(token)}
    for word in sorted(shared):
        cut = ["".join(_HOLE if token == word else token for token in side) for side in sides]
        if all(_HOLE in text.rpartition("/")[0] for text in cut):
            yield (cut[0], cut[1]), word


def _cut_folders(rule: Rule) -> Iterator[tuple[Rule, str]]:
    """Yield the rule without one folder of one side, for each that is mere text."""
    for side in (0, 1):
        parts = rule[side].split("/")
        for place, part in enumerate(parts[:-1]):
            if "{" in part or part == "*":
                continue
            text = "/".join([*parts[:place], _HOLE, *parts[place + 1 :]])
            yield (text, rule[1]) if side == 0 else (rule[0], text), part


def _split(text: str) -> list[str]:
    """Return the tokens of a pattern, its fields and slashes whole."""
    return [token for piece in _PIECE.split(text) for token in ([piece] if piece[:1] == "{" else split_tokens(piece))]


def _is_word(token: str) -> bool:
    return token[:1] != "{" and not is_separator(token)
