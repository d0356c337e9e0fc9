"""Parts that the names of files say: train_001.png, 001_test.png."""

import re
from collections.abc import Sequence
from dataclasses import replace

from maskmill.sources.inspection.names import name_part
from maskmill.sources.inspection.proposals import PairingProposal
from maskmill.sources.patterns import SPLIT_FIELD, Pattern, compile_pattern

_NAMES = ("name", "part", "part2", "part3")


def add_named_parts(prefix: str, proposal: PairingProposal) -> PairingProposal:
    """Write {split} into both patterns where all file names begin or end with a part's word, one of them a training part's."""
    pattern = compile_pattern(proposal.images, "source.images")
    if "{name}" not in proposal.images or not set(pattern.fields).isdisjoint((SPLIT_FIELD, *_NAMES[1:])):
        return proposal
    cut = "" if pattern.match(proposal.samples[0].image) else prefix
    text = _write_field(pattern, [sample.image.removeprefix(cut) for sample in proposal.samples])
    if not text:
        return proposal
    images = proposal.images.replace("{name}", text)
    fitted = compile_pattern(images, "source.images")
    fields = [fitted.match(sample.image.removeprefix(cut)) or {} for sample in proposal.samples]
    samples = tuple(
        replace(sample, split=name_part(found[SPLIT_FIELD])) for sample, found in zip(proposal.samples, fields, strict=True)
    )
    masks = proposal.masks.replace("{name}", text) if proposal.masks else None
    return replace(proposal, images=images, masks=masks, samples=samples, split_source="names")


def _write_field(pattern: Pattern, paths: Sequence[str]) -> str:
    """Return what stands for {name} where names hold their part, or ""."""
    names = [fields["name"] for path in paths if (fields := pattern.match(path))]
    for separator in "_-. ":
        if len(names) < len(paths) or not all(separator in name for name in names):
            continue
        rests = {name.count(separator) for name in names}
        heads, tails = ({name.split(separator)[place] for name in names} for place in (0, -1))
        if _are_parts(heads) and len(rests) == 1 and max(rests) <= len(_NAMES):  # a field reaches as far as it can
            return separator.join(f"{{{field}}}" for field in (SPLIT_FIELD, *_NAMES[: max(rests)]))
        if _are_parts(tails):
            return f"{{name}}{separator}{{{SPLIT_FIELD}}}"
    return ""


def _are_parts(words: set[str]) -> bool:
    parts = {name_part(word) for word in words}
    return (
        "" not in parts and "train" in parts and len(parts) > 1 and all(re.search("[a-z]", word, re.IGNORECASE) for word in words)
    )
