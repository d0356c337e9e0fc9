"""Rules that lead from a picture's path to its mask's, derived from pairs of paths that share what is rare."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

import numpy as np

from maskmill.sources.inspection.names import Name, is_separator, split_tokens, write_literal

Rule = tuple[str, str]  # two patterns with the same fields f0.. (folders), s0.. (parts of stems) and split
_FIELD = re.compile(r"\{\w+\}")
_MOST_SAMPLES = 80
_MOST_PARTNERS = 48
_MOST_POSTINGS = 1500
_MOST_BLOCKS = 3


def mine_rules(names: Sequence[Name]) -> list[tuple[Rule, int]]:
    """Return the rules that lead between files, with the number of sampled files that each is seen for, most first.

    A rule stands both ways: which of its sides are the masks is not known here.
    """
    index, postings = _index_tokens(names)
    votes: Counter[Rule] = Counter()
    for number in _choose_samples(names):
        seen = set()
        for partner in _find_partners(number, index, postings):
            for rule in derive_rules(names[number], names[partner]):
                seen.add(rule if rule[0] <= rule[1] else (rule[1], rule[0]))
        votes.update(seen)
    return sorted(votes.items(), key=lambda item: (-item[1], item[0]))


def keep_frequent(rules: Sequence[tuple[Rule, int]], num_names: int) -> list[tuple[Rule, int]]:
    """Return the rules that are more than chance in a tree of so many pictures."""
    fewest = 1 if num_names < 12 else max(2, max((count for _, count in rules), default=0) // 20)
    return [(rule, count) for rule, count in rules if count >= fewest]


def derive_rules(first: Name, second: Name) -> Iterator[Rule]:
    """Yield the rules that lead from one path to the other: what is equal becomes a field, what differs stays as it is."""
    word = first.split_word
    if second.split_word.casefold() != word.casefold():
        if word and second.split_word:
            return
        word = ""
    ours, theirs = _Side(first, word), _Side(second, word)
    for i, j in _align([*first.folders, first.stem], [*second.folders, second.stem]):
        _share(ours, i, theirs, j)
    if any(_counts_otherwise(a, b) for a, b in zip(ours.list_own(), theirs.list_own(), strict=False)):
        return
    in_folder = bool(ours.values) and ours.stem is None and theirs.stem is None
    aligned = False
    if ours.stem is None and theirs.stem is None:
        if _align_stems(ours, theirs, _trim_word) and not _has_other_numbers(ours.stem or "", theirs.stem or ""):
            yield _finish(ours, theirs, star=False)
        ours.stem = theirs.stem = None
        aligned = _align_stems(ours, theirs, _trim)
    if ours.has_fields and not (ours.stem and theirs.stem and _has_other_numbers(ours.stem, theirs.stem)):
        yield _finish(ours, theirs, star=False)
        if not aligned and theirs.stem is None:
            yield _finish(ours, theirs, star=True)
    if aligned and in_folder:  # what the names share may be chance: the folder is enough
        ours.stem = theirs.stem = None
        yield _finish(ours, theirs, star=True)


class _Side:
    """One side of a rule while it is written: a piece of pattern for each component, None where nothing is known yet."""

    def __init__(self, name: Name, split_word: str) -> None:
        self.name = name
        self.split_word = split_word
        self.folders: list[str | None] = [None] * len(name.folders)
        self.stem: str | None = None
        self.values: dict[str, str] = {}  # a component's text -> its field

    @property
    def has_fields(self) -> bool:
        return bool(self.values) or "{" in (self.stem or "")

    def list_own(self) -> list[str]:
        """Return the folders that the other side does not have."""
        return [folder for folder, text in zip(self.name.folders, self.folders, strict=True) if text is None]

    def put(self, place: int, text: str) -> None:
        if place == len(self.folders):
            self.stem = text
        else:
            self.folders[place] = text

    def write(self, star: bool, suffix: str) -> str:
        folders = [self._write_folder(number) if text is None else text for number, text in enumerate(self.folders)]
        stem = self.stem
        if stem is None:
            own = self.values.get(self.name.stem.casefold())  # <id>/images/<id>.png
            stem = f"{{{own}}}" if own else "*" if star else write_literal(_star_numbers(self.name.stem), self.split_word)
        return "/".join([*folders, stem + suffix])

    def _write_folder(self, number: int) -> str:
        folder = self.name.folders[number]
        if folder.isdecimal():
            return "*"
        shared = sorted((text for text in self.values if text and text in folder.casefold()), key=len)
        if shared and len(shared[-1]) > 1:  # set-a/set-a-images beside set-a/set-a-masks
            word = rf"(?<![^\W_]){re.escape(shared[-1])}(?![^\W_])"
            pieces = re.split(word, folder, flags=re.IGNORECASE)
            return f"{{{self.values[shared[-1]]}}}".join(write_literal(piece, self.split_word) for piece in pieces)
        return write_literal(folder, self.split_word)


def _share(ours: _Side, i: int, theirs: _Side, j: int) -> None:
    """Write an equal component into both sides, as a field unless it names the part."""
    text = ours.name.folders[i] if i < len(ours.folders) else ours.name.stem
    with_split = write_literal(text, ours.split_word)
    if ours.split_word and "{split}" in with_split and i < len(ours.folders):
        field = with_split
    else:
        is_stem = i == len(ours.folders) or j == len(theirs.folders)
        field = f"{{{'s' if is_stem else 'f'}{len(ours.values)}}}"
        ours.values[text.casefold()] = theirs.values[text.casefold()] = field[1:-1]
    ours.put(i, field)
    theirs.put(j, field)


def _finish(ours: _Side, theirs: _Side, star: bool) -> Rule:
    first, second = ours.write(False, ".*"), theirs.write(star, ".*")
    if first.casefold() == second.casefold():  # only the suffix tells them apart
        return ours.write(False, ours.name.suffix), theirs.write(star, theirs.name.suffix)
    return first, second


def _align(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of the longest common subsequence of components, letter case aside; stems rather meet stems."""
    ours, theirs = [text.casefold() for text in first], [text.casefold() for text in second]
    if ours[-1] == theirs[-1]:
        above = _align([*first[:-1], ""], [*second[:-1], " "]) if len(first) > 1 and len(second) > 1 else []
        return [*above, (len(ours) - 1, len(theirs) - 1)]
    longest = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for i in reversed(range(len(ours))):
        for j in reversed(range(len(theirs))):
            same = ours[i] == theirs[j]
            longest[i][j] = longest[i + 1][j + 1] + 1 if same else max(longest[i + 1][j], longest[i][j + 1])
    places, i, j = [], 0, 0
    while i < len(ours) and j < len(theirs):
        if ours[i] == theirs[j]:
            places.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return places


def _align_stems(ours: _Side, theirs: _Side, trim: Callable[[Sequence[str], int, int, bool, bool], tuple[int, int]]) -> bool:
    """Write two different stems as fields for what they share and text for what they do not; False where they share nothing."""
    first, second = split_tokens(ours.name.stem), split_tokens(theirs.name.stem)
    blocks = SequenceMatcher(None, [_normalise(t) for t in first], [_normalise(t) for t in second], autojunk=False)
    texts, starts, number = ["", ""], [0, 0], len(ours.values)
    found = False
    for start, other, size in blocks.get_matching_blocks():
        begin, end = trim(first, start, size, start == other == 0, (len(first), len(second)) == (start + size, other + size))
        if begin == end:
            continue
        shift = other - start
        for side, tokens, place in ((0, first, begin), (1, second, begin + shift)):
            literal = "".join(tokens[starts[side] : place])
            texts[side] += write_literal(_star_numbers(literal), ours.split_word) + f"{{s{number}}}"
            starts[side] = place + end - begin
        number, found = number + 1, True
    found = found and number - len(ours.values) <= _MOST_BLOCKS  # more is chance, and slow to match
    if found:
        for side, tokens, target in ((0, first, ours), (1, second, theirs)):
            target.stem = texts[side] + write_literal(_star_numbers("".join(tokens[starts[side] :])), ours.split_word)
    return found


def _trim(tokens: Sequence[str], start: int, size: int, is_first: bool, is_last: bool) -> tuple[int, int]:
    """Return a block without the separators at an end that is not the end of both stems."""
    begin, end = start, start + size
    if not is_first:
        while begin < end and is_separator(tokens[begin]) and tokens[begin] not in "()[]":
            begin += 1
    if not is_last:
        while begin < end and is_separator(tokens[end - 1]) and tokens[end - 1] not in "()[]":
            end -= 1
    return (begin, end) if any(not is_separator(token) for token in tokens[begin:end]) else (0, 0)


def _trim_word(tokens: Sequence[str], start: int, size: int, is_first: bool, is_last: bool) -> tuple[int, int]:
    """Return a trimmed block without a word that it begins with, if more follows: "_slice_" parts fields where "_" is too common.

    Case00_slice_05 and Case00_segmentation_slice_05 become {s0}_slice_{s1} and {s0}_segmentation_slice_{s1}.
    """
    begin, end = _trim(tokens, start, size, is_first, is_last)
    if is_first or begin == end or not tokens[begin].isalpha():
        return begin, end
    rest = next((place for place in range(begin + 1, end) if not is_separator(tokens[place])), begin)
    return rest, end


def _counts_otherwise(first: str, second: str) -> bool:
    """Tell whether two folders are alike but for their numbers: Tile 1 and Tile 2 are not one sample."""
    return re.sub(r"\d", "", first.casefold()) == re.sub(r"\d", "", second.casefold())


def _has_other_numbers(first: str, second: str) -> bool:
    """Tell whether the text between the fields of two stems has different numbers on both sides: two samples, not one."""
    pieces = zip(_FIELD.split(first), _FIELD.split(second), strict=False)
    numbers = ((re.findall(r"\d+|\*", a), re.findall(r"\d+|\*", b)) for a, b in pieces)
    return any(ours and theirs and (ours != theirs or "*" in ours) for ours, theirs in numbers)


def _star_numbers(text: str) -> str:
    """Put * for long numbers that only one side has: dates, counters."""
    return re.sub(r"\d{3,}", "*", text)


def _index_tokens(names: Sequence[Name]) -> tuple[list[list[str]], dict[str, list[int]]]:
    """Return each file's tokens, whole names among them, numbers without leading zeros, and the files that have a token."""
    postings: dict[str, list[int]] = defaultdict(list)
    tokens_of_folder: dict[tuple[str, ...], set[str]] = {}
    index = []
    for number, name in enumerate(names):
        if name.folders not in tokens_of_folder:
            tokens_of_folder[name.folders] = {_normalise(t) for folder in name.folders for t in (*split_tokens(folder), folder)}
        tokens = tokens_of_folder[name.folders] | {_normalise(token) for token in (*split_tokens(name.stem), name.stem)}
        tokens = {token for token in tokens if token and not is_separator(token)}
        index.append(sorted(tokens))
        for token in tokens:
            postings[token].append(number)
    return index, postings


def _normalise(token: str) -> str:
    return (token.lstrip("0") or "0") if token.isdecimal() else token.casefold()


def _choose_samples(names: Sequence[Name]) -> list[int]:
    """Return files drawn from all over the tree and, besides, the first of each kind of folder and suffix."""
    drawn = np.random.default_rng(0).permutation(len(names))[:_MOST_SAMPLES]  # a fixed step may hit first frames alone
    chosen = set(drawn.tolist())
    kinds: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, name in enumerate(names):
        kinds[(*(re.sub(r"\d+", "#", folder) for folder in name.folders[-2:]), name.suffix)].append(number)
    if len(kinds) <= _MOST_SAMPLES:
        chosen.update(number for numbers in kinds.values() for number in (numbers[0], numbers[len(numbers) // 2], numbers[-1]))
    return sorted(chosen)


def _find_partners(number: int, index: Sequence[Sequence[str]], postings: dict[str, list[int]]) -> list[int]:
    """Return the files that share most of what is rare with one file."""
    rarest = sorted(index[number], key=lambda token: len(postings[token]))
    weights: Counter[int] = Counter()
    for token in rarest:
        files = postings[token]
        if len(files) > _MOST_POSTINGS:
            break
        weight = round(1000 * math.log((len(index) + 1) / len(files)))
        for file in files:
            weights[file] += weight
    del weights[number]
    near = [file for file, _ in weights.most_common(_MOST_PARTNERS)]
    return list(dict.fromkeys([*_find_nearest(number, rarest, postings), *near]))


def _find_nearest(number: int, rarest: Sequence[str], postings: dict[str, list[int]]) -> list[int]:
    """Return files that share one token after the other with a file, skipping those that it shares with none of them."""
    nearest = np.empty(0, np.int64)
    for token in rarest:
        files = np.asarray(postings[token])
        both = np.intersect1d(nearest, files, assume_unique=True) if nearest.size else files
        if both.size > 1:
            nearest = both
        if nearest.size <= _MOST_PARTNERS:  # what is common now would leave files of its own kind alone
            break
    return [file for file in nearest[:_MOST_PARTNERS].tolist() if file != number]
