"""How the pictures and masks of a folder pair, inferred from their names and their content."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import PurePosixPath

from maskmill.sources.inspection.annotated import propose_annotations
from maskmill.sources.inspection.candidates import Candidate, Gallery, looks_the_same, pair_patterns, try_rule
from maskmill.sources.inspection.composites import find_composite
from maskmill.sources.inspection.copies import are_copies, drop_copies, narrow_suffixes
from maskmill.sources.inspection.elsewhere import raise_elsewhere
from maskmill.sources.inspection.groups import find_group
from maskmill.sources.inspection.layers import CLASS_FIELD, is_binary, is_layered, is_main, merge_layers, name_star
from maskmill.sources.inspection.lifting import lift_rules
from maskmill.sources.inspection.names import name_part, read_names
from maskmill.sources.inspection.naming_parts import add_named_parts
from maskmill.sources.inspection.proposals import PairingProposal, Sample
from maskmill.sources.inspection.rules import Rule, keep_frequent, mine_rules
from maskmill.sources.inspection.splits import add_splits
from maskmill.sources.inspection.words import penalise_pictures, rank_kind, says_derived
from maskmill.sources.inspection.writing import collect_values, rename_fields
from maskmill.sources.patterns import SPLIT_FIELD, compile_pattern
from maskmill.sources.tree import FileTree

_MOST_RULES = 40
_WORTH_MENTIONING = 0.3


def propose_pairings(tree: FileTree) -> list[PairingProposal]:
    """Return the ways to read a folder as pictures and masks, best first; none where nothing looks like it.

    Names are compared for rules that lead from one file to another, the rules are tried on the whole tree, and a look at a few
    pictures of each tells masks from photographs.
    """
    level, prefix = _choose_level(tree)
    names = read_names(level.files)
    if not names:
        return []
    gallery = Gallery(level.root, names)
    candidates = _find_candidates(gallery, mine_rules(names), len(names))
    proposals = [_write(tree, prefix, gallery, candidate) for candidate in candidates]
    scored = raise_elsewhere(_score(gallery, candidates, proposals))
    scored += propose_annotations(tree, prefix, gallery, names)
    covered = max((len(p.samples) + len(p.masks_without_picture) for p in scored), default=0)
    if covered < 0.25 * len(names) and (composite := _propose_composite(tree, prefix, gallery, level)):
        scored.append(composite)
    scored.sort(key=lambda proposal: (-proposal.score, proposal.images, proposal.masks or ""))
    scored = [proposal for proposal in scored if proposal.score >= scored[0].score - _WORTH_MENTIONING]
    ignoring = (_add_ignored(prefix, names, proposal) for proposal in scored)
    complete = [add_splits(tree, _add_group(prefix, add_named_parts(prefix, proposal))) for proposal in ignoring]
    painted = {mask for proposal in complete if proposal.masks for sample in proposal.samples for mask in sample.masks}
    return [replace(proposal, reasons=(_summarise(proposal, painted), *proposal.reasons)) for proposal in complete]


def _summarise(proposal: PairingProposal, painted: Set[str]) -> str:
    """Say what pairs and what stays alone; masks that the pictures' pattern fits as well are no pictures."""
    if proposal.masks is None:
        return f"{proposal.num_pairs} pictures fit {proposal.images!r}"
    pictures = tuple(path for path in proposal.pictures_without_mask if path not in painted)
    alone = ((pictures, "pictures have no mask"), (proposal.masks_without_picture, "masks have no picture"))
    rest = "".join(f"; {len(paths)} {text}, e.g. {paths[0]}" for paths, text in alone if paths)
    return f"{proposal.num_pairs} pictures {proposal.images!r} have masks {proposal.masks!r}{rest}"


def _choose_level(tree: FileTree) -> tuple[FileTree, str]:
    """Return the deepest level that has all pictures of the tree, and its path below the tree with a slash at its end."""
    number = len(read_names(tree.files))
    chosen = tree
    for level in tree.levels():
        if len(read_names(level.files)) == number and level.files:
            chosen = level
    below = chosen.root.relative_to(tree.root).as_posix()
    return chosen, "" if below == "." else f"{below}/"


def _find_candidates(gallery: Gallery, rules: Sequence[tuple[Rule, int]], num_names: int) -> list[Candidate]:
    """Return the rules that hold, those of layers joined, without those that do a part of what a better one does."""
    lifted = [candidate for candidate in _try_rules(gallery, lift_rules(rules)) if candidate.num_masks == len(candidate.masks_of)]
    frequent = _try_rules(gallery, keep_frequent(rules, num_names))
    named = [name_star(gallery, candidate) for candidate in [*lifted, *frequent]]
    merged = merge_layers(gallery, named)
    exact = {mask for candidate in named if not candidate.is_padded for masks in candidate.masks_of.values() for mask in masks}
    plain = (candidate for candidate in named if not candidate.is_padded or _stands(gallery, candidate, exact))
    candidates = [*plain, *merged]
    candidates.sort(
        key=lambda candidate: (
            -len(candidate.masks_of),
            -candidate.num_masks,
            (candidate.images + candidate.masks).count("*"),
            -len(set(candidate.images.split("/")) & set(candidate.masks.split("/"))),
            candidate.images,
        )
    )
    kept: list[Candidate] = []
    for candidate in candidates:
        is_known = any(_contains(better, candidate) and not is_main(better, candidate) for better in kept)
        if not is_known and not any(are_copies(gallery, better, candidate) for better in kept):
            kept.append(candidate)
    return kept


def _stands(gallery: Gallery, padded: Candidate, exact: Set[str]) -> bool:
    """Tell whether numbers that pair but for their zeros are no chance: masks show one thing, and none pairs as it is written."""
    return is_binary(gallery, padded) and not any(mask in exact for masks in padded.masks_of.values() for mask in masks)


def _try_rules(gallery: Gallery, rules: Sequence[tuple[Rule, int]]) -> list[Candidate]:
    narrow = (narrower for rule, _ in rules[:_MOST_RULES] for narrower in narrow_suffixes(gallery, rule))
    return [drop_copies(gallery, candidate) for rule in narrow if (candidate := try_rule(gallery, rule))]


def _contains(better: Candidate, worse: Candidate) -> bool:
    masks = {mask for masks in better.masks_of.values() for mask in masks}
    pictures = better.masks_of.keys()
    others = {mask for found in worse.masks_of.values() for mask in found}
    if worse.masks_of.keys() <= pictures and others <= masks:
        return True
    return others <= pictures | masks and worse.masks_of.keys() <= pictures | masks and len(worse.masks_of) < len(better.masks_of)


def _write(tree: FileTree, prefix: str, gallery: Gallery, candidate: Candidate) -> PairingProposal:
    """Write a candidate's patterns for people and check them on the tree."""
    matches = gallery.match(candidate.images)
    values = collect_values(matches[path] for path in candidate.masks_of)
    texts = [
        _narrow_suffix(candidate.images, candidate.masks_of),
        _narrow_suffix(candidate.masks, [mask for masks in candidate.masks_of.values() for mask in masks]),
    ]
    images, masks = rename_fields(texts, values)
    found = pair_patterns(gallery, images, masks)
    if is_layered(candidate):  # what lies in {class}, and numbers with zeros, is for sources.layers to tell
        fit = gallery.match(images).keys(), gallery.match(masks).keys()
        alone = zip((candidate.pictures_alone, candidate.masks_alone), fit, strict=True)
        pictures_alone, masks_alone = (tuple(path for path in paths if path in known) for paths, known in alone)
        found = candidate.masks_of, pictures_alone, masks_alone
    elif found is None or len(found[0]) < len(candidate.masks_of):  # a name that patterns cannot say
        images, masks = candidate.images, candidate.masks
        found = candidate.masks_of, candidate.pictures_alone, candidate.masks_alone
    parts = gallery.match(images)
    samples = tuple(
        Sample(prefix + image, tuple(prefix + mask for mask in found[0][image]), name_part(parts[image].get(SPLIT_FIELD, "")))
        for image in sorted(found[0])
    )
    images, masks = (_anchor(tree, prefix, text, images) for text in (images, masks))
    return PairingProposal(
        layout="layers" if is_layered(candidate) else "separate",
        images=images,
        masks=masks,
        samples=samples,
        pictures_without_mask=tuple(prefix + path for path in found[1]),
        masks_without_picture=tuple(prefix + path for path in found[2]),
        reasons=candidate.reasons,
    )


def _narrow_suffix(text: str, paths: Sequence[str] | Mapping[str, object]) -> str:
    """Write the suffix that all files have in place of .*"""
    suffixes = {PurePosixPath(path).suffix.lower() for path in paths}
    return text[:-2] + suffixes.pop() if text.endswith(".*") and len(suffixes) == 1 else text


def _anchor(tree: FileTree, prefix: str, text: str, images: str) -> str:
    """Put the top folder before a pattern where without it another level of the tree would be taken for the right one."""
    pattern = compile_pattern(images, "source.images")
    for level in tree.levels():
        if any(pattern.match(path) for path in level.files):
            below = level.root.relative_to(tree.root).as_posix()
            return text if ("" if below == "." else f"{below}/") == prefix else prefix + text
    return text


def _score(gallery: Gallery, candidates: Sequence[Candidate], proposals: Sequence[PairingProposal]) -> list[PairingProposal]:
    """Return the proposals with their scores, and what tells their masks apart."""
    most = max((len(proposal.samples) for proposal in proposals), default=1)
    scored = []
    for candidate, proposal in zip(candidates, proposals, strict=True):
        masks = [masks[0] for _, masks in sorted(candidate.masks_of.items())]
        own = " ".join(part for part in candidate.masks.split("/") if part not in candidate.images.split("/"))
        score = 0.55 * len(proposal.samples) / most + 0.25 * candidate.painted + 0.2 * candidate.named - 0.08 * rank_kind(own)
        score -= penalise_pictures(candidate.images)
        score -= 0.1 * len(proposal.masks_without_picture) / (len(masks) + len(proposal.masks_without_picture))
        score += 0.1 * (proposal.layout == "layers" and CLASS_FIELD in (proposal.masks or ""))
        reasons = []
        if says_derived(own):
            score -= 0.3
            reasons.append("the masks' name says that they were made from something else")
        if looks_the_same(gallery, masks):
            score -= 0.4
            reasons.append("all masks are the same: a field of view rather than an annotation")
        scored.append(replace(proposal.add_reasons(*reasons), score=max(0.0, min(1.0, score))))
    return _name_kinds(scored)


def _name_kinds(proposals: Sequence[PairingProposal]) -> list[PairingProposal]:
    """Give each proposal a short name that no other has: a word that its patterns alone have, else its layout, numbered."""
    words = [[*_read_words(proposal.masks or ""), *_read_words(proposal.images)] for proposal in proposals]
    counts = Counter(word for own in words for word in {word.casefold() for word in own})
    named: dict[str, PairingProposal] = {}
    for own, proposal in zip(words, proposals, strict=True):
        alone = [word for word in own if counts[word.casefold()] == 1]
        wanted = next(iter(alone), (own or [proposal.layout])[0] if len(proposals) == 1 else proposal.layout)
        numbered = (wanted, *(f"{wanted} {number}" for number in range(2, len(proposals) + 2)))
        kind = next(name for name in numbered if name.casefold() not in named)
        named[kind.casefold()] = replace(proposal, kind=kind)
    return list(named.values())


def _read_words(pattern: str) -> list[str]:
    """Return the text of a pattern in pieces: folders, and what stands around fields."""
    pieces = re.split(r"\{\w+\}|[/*]", re.sub(r"\.\w+$", "", pattern))
    return [word for piece in pieces if (word := piece.strip(" ._-"))]


def _propose_composite(tree: FileTree, prefix: str, gallery: Gallery, level: FileTree) -> PairingProposal | None:
    found = find_composite(gallery, read_names(level.files))
    if not found:
        return None
    images, side, files, reason = found
    parts = gallery.match(images)
    return PairingProposal(
        layout="composite",
        images=_anchor(tree, prefix, images, images),
        masks=None,
        samples=tuple(Sample(prefix + path, (prefix + path,), name_part(parts[path].get(SPLIT_FIELD, ""))) for path in files),
        image_side=side,
        kind="composite",
        reasons=(reason,),
        score=0.8,
    )


def _add_ignored(prefix: str, names: Sequence, proposal: PairingProposal) -> PairingProposal:
    used = {path for sample in proposal.samples for path in (sample.image, *sample.masks)}
    used.update(proposal.pictures_without_mask, proposal.masks_without_picture)
    return replace(proposal, ignored=tuple(path for name in names if (path := prefix + name.path) not in used))


def _add_group(prefix: str, proposal: PairingProposal) -> PairingProposal:
    """Propose a group, writing its fields into both patterns where it lies within the names."""
    pattern = compile_pattern(proposal.images, "source.images")
    cut = "" if pattern.match(proposal.samples[0].image) else prefix
    found = find_group(pattern, [sample.image.removeprefix(cut) for sample in proposal.samples])
    if not found:
        return proposal
    group, images, reason = found
    masks = proposal.masks
    if images != proposal.images and masks:
        masks = masks.replace("{name}", images[images.index("{scene}") : images.index("{frame}") + len("{frame}")])
    return replace(proposal, images=images, masks=masks, group=group, group_reason=reason)
