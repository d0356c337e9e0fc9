"""Which parts a set brings along, which are to be drawn, and by which groups."""

from dataclasses import replace

from maskmill.sources.inspection.guesses import Guess
from maskmill.sources.inspection.proposals import PairingProposal
from maskmill.sources.patterns import SPLIT_FIELD, compile_pattern
from maskmill.sources.tree import FileTree

VAL, TEST = 0.15, 0.2  # presets/default.yaml's
FEW_GROUPS = 10  # fewer of them give parts of any size
FEWEST = 3  # presets/default.yaml's validate.min_samples


def drop_unusable_parts(proposal: PairingProposal) -> PairingProposal:
    """Call the field {split} something else where some of its values are no parts, or where none of them is for training."""
    parts = {sample.split for sample in proposal.samples}
    if not proposal.split_source or ("train" in parts and "" not in parts):
        return proposal
    names = ", ".join(sorted(parts - {""})) or "none"
    reason = (
        f"parts by {proposal.split_source} are not used: {'some pictures have none' if '' in parts else f'there is {names} alone'}"
    )
    return replace(
        proposal,
        images=proposal.images.replace(f"{{{SPLIT_FIELD}}}", "{folder}"),
        masks=proposal.masks and proposal.masks.replace(f"{{{SPLIT_FIELD}}}", "{folder}"),
        samples=tuple(replace(sample, split="") for sample in proposal.samples),
        split_source=None,
    ).add_reasons(reason)


def guess_parts(tree: FileTree, proposal: PairingProposal) -> list[Guess]:
    """Choose lists, group and what validate asks of the parts."""
    counts = {part: sum(sample.split == part for sample in proposal.samples) for part in ("train", "val", "test")}
    drawn = [part for part in ("val", "test") if not counts[part]]
    guesses = []
    if proposal.split_source == "lists":
        known = ", ".join(f"{count} {part}" for part, count in counts.items() if count)
        guesses.append(Guess("source.lists", dict(proposal.lists), f"they give the parts: {known}"))
    groups = _count_groups(tree, proposal) if proposal.group else 0
    if proposal.group and groups > len(drawn):
        guesses.append(Guess("source.group", proposal.group, f"{proposal.group_reason}: {groups} groups"))
    else:
        why = f"{groups} groups are too few to draw parts from" if groups else "nothing says which pictures belong together"
        guesses.append(Guess("source.group", None, why))
        groups = 0
    free = counts["train"] + sum(sample.split == "" for sample in proposal.samples)
    sizes = [count for count in counts.values() if count]
    sizes += [round(fraction * free) for part, fraction in (("val", VAL), ("test", TEST)) if part in drawn]
    if min(sizes, default=FEWEST) < FEWEST:
        guesses.append(Guess("validate.min_samples", 1, f"{free} pictures to draw parts from give parts of one or two"))
    elif drawn and 0 < groups < FEW_GROUPS:
        guesses.append(Guess("validate.min_samples", 1, f"parts are drawn from {groups} groups, of which some may be small"))
    return guesses


def _count_groups(tree: FileTree, proposal: PairingProposal) -> int:
    """Count the groups that parts can be drawn from: those of training pictures alone."""
    pattern = compile_pattern(proposal.images, "source.images")
    assert proposal.group is not None
    for level in tree.levels():  # the pattern fits one of them
        below = level.root.relative_to(tree.root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        group_of = {
            sample: proposal.group.format_map(fields)
            for sample in proposal.samples
            if (fields := pattern.match(sample.image.removeprefix(prefix)))
        }
        if group_of:
            elsewhere = {group for sample, group in group_of.items() if sample.split not in ("", "train")}
            return len(set(group_of.values()) - elsewhere)
    return 0
