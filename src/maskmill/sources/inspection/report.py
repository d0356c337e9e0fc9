"""What inspection prints: what was found, and every guess with its reason."""

from collections.abc import Iterator, Sequence

from maskmill.sources.inspection.configure import Configuration
from maskmill.sources.inspection.findings import ClassEntry, MaskFindings
from maskmill.sources.inspection.guesses import Guess
from maskmill.sources.inspection.look import Inspection

MOST_NAMED = 3
MOST_VALUES = 40


def describe_configuration(configuration: Configuration) -> Iterator[str]:
    """Yield the report, line by line: files, pictures, masks, questions, settings."""
    inspection = configuration.inspection
    yield from _describe_pairs(inspection)
    yield from _describe_pictures(inspection)
    if inspection.findings:
        yield from _describe_masks(inspection.findings)
    yield from _describe_classes(configuration)
    for question in inspection.questions:
        yield f"\nabout equally likely: {question.what}? choose one by its name (--pick NAME, or PICK=NAME with make)"
        yield from (f"  {option.name}: {option.what}" for option in question.options)
    yield "\nsettings and why"
    yield from describe_guesses(configuration.guesses)


def describe_guesses(guesses: Sequence[Guess]) -> Iterator[str]:
    """Yield a line a setting: its name, its value, the reason; the classes are told elsewhere."""
    for guess in guesses:
        if guess.setting not in ("classes", "tune.space") and not guess.setting.endswith(".transforms"):
            yield f"  {guess.setting}: {_write(guess.value)}  ({guess.reason})"
        elif guess.setting != "classes":
            yield f"  {guess.setting}  ({guess.reason})"


def _describe_pairs(inspection: Inspection) -> Iterator[str]:
    proposal = inspection.proposal
    yield "pairs"
    for reason in proposal.reasons:
        yield f"  {reason}"
    for what, paths in (
        ("pictures without a mask", proposal.pictures_without_mask),
        ("masks without a picture", proposal.masks_without_picture),
        ("list lines without a picture", proposal.missing),
        ("other pictures, not used", proposal.ignored),
    ):
        if paths:
            yield f"  {len(paths)} {what}: {', '.join(paths[:MOST_NAMED])}{', ...' if len(paths) > MOST_NAMED else ''}"
    parts = {part: sum(sample.split == part for sample in proposal.samples) for part in ("train", "val", "test")}
    own = ", ".join(f"{count} {part}" for part, count in parts.items() if count)
    yield f"  parts: {own}, by {proposal.split_source}" if own else "  parts: none of its own, they will be drawn"
    for other in inspection.others:
        yield f"  not chosen: {other.kind}: {other.reasons[0]}"


def _describe_pictures(inspection: Inspection) -> Iterator[str]:
    sizes = inspection.sizes
    yield "pictures"
    channels = ", ".join(f"{count} with {number} channel{'s' * (number > 1)}" for number, count in sorted(sizes.channels.items()))
    yield f"  {sizes.describe()}; {channels}{f'; {sizes.num_deep} of more than 8 bits' if sizes.num_deep else ''}"
    if sizes.num_other_masks:
        yield f"  {sizes.num_other_masks} masks of another size: {sizes.example}"
    if inspection.num_duplicates:
        yield f"  {inspection.num_duplicates} are copies of others"
    for line in sizes.unreadable[:MOST_NAMED]:
        yield f"  cannot be read: {line}"


def _describe_masks(findings: MaskFindings) -> Iterator[str]:
    yield f"masks ({findings.looked_at} of {findings.given} looked at)"
    for reading in findings.readings:
        yield f"  {reading.kind} ({reading.likelihood:.2f}): {'; '.join(reading.reasons)}"
    for note in findings.notes:
        yield f"  {note}"
    values = [f"{value} {fraction:.2%} in {masks}" for value, fraction, masks in findings.values[:MOST_VALUES]]
    more = len(findings.values) - MOST_VALUES
    yield "  values, their part of all pixels, and in how many masks: " + "; ".join(values) + (f"; {more} more" if more > 0 else "")


def _describe_classes(configuration: Configuration) -> Iterator[str]:
    yield "classes"
    for entry in configuration.classes:
        yield f"  {_describe_class(entry)}"


def _describe_class(entry: ClassEntry) -> str:
    number = "void" if entry.void else f"{entry.id:>4}"
    shown = " ".join("#" + "".join(f"{part:02x}" for part in colour) for colour in entry.colours)
    ids = " ".join(str(value) for value in entry.source_ids)
    means = ", ".join(part for part in (shown, f"ids {ids}" if ids else "", f"{entry.fraction:.2%} of the pixels") if part)
    return f"{number} {entry.name}: {means}{f'  ({entry.reason})' if entry.reason else ''}"


def _write(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_write(inner)}" for key, inner in value.items()) + "}"
    return str(value)
