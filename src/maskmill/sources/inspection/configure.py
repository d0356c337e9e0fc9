"""From what inspection found to the settings of params.yaml, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import ceil
from pathlib import Path
from typing import Any

from maskmill.errors import SourceError
from maskmill.sources.forms import FORMS
from maskmill.sources.inspection.described import guess_described
from maskmill.sources.inspection.findings import ClassEntry
from maskmill.sources.inspection.guesses import Guess, nest
from maskmill.sources.inspection.look import Inspection, inspect_tree, open_tree
from maskmill.sources.inspection.parts import drop_unusable_parts, guess_parts
from maskmill.sources.inspection.proposals import PairingProposal
from maskmill.sources.inspection.scale import count_tiles, guess_scale
from maskmill.sources.inspection.training import guess_augmentation, guess_class_weights, guess_training
from maskmill.sources.settings import Layout
from maskmill.sources.tree import FileTree
from maskmill.terminal import console

LEAST_TOLERANCE = 1.0
USUAL_UNMATCHED = 0.06  # presets/default.yaml's validate.max_unmatched
FEW_MASKS = 6  # a class in fewer masks may be missing in the training part


@dataclass(frozen=True)
class Configuration:
    """Settings for a stranger's data.

    Args:
        inspection: what was found.
        classes: the class table, in the order of ids, void last.
        guesses: the settings, each with its reason.
    """

    inspection: Inspection
    classes: tuple[ClassEntry, ...]
    guesses: tuple[Guess, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as sections, as a preset has them."""
        return nest(self.guesses)


def configure(path: Path, picks: Sequence[str] = ()) -> Configuration:
    """Choose the settings for a folder or an archive.

    Args:
        path: the folder or the archive, which is only read.
        picks: names of options that a person has chosen.

    Raises:
        SourceError: nothing looks like pictures with masks; or several readings are about equally likely: their names are listed.
    """
    configuration = guess_configuration(path, picks)
    for question in configuration.inspection.questions:
        options = "\n".join(f"  - {option.name}: {option.what}" for option in question.options)
        raise SourceError(
            f"{path} can be read in several ways that are about equally likely; {question.what}?\n{options}",
            fix=f"choose one by its name: PICK={question.options[0].name}, or --pick {question.options[0].name}",
        )
    return configuration


def guess_configuration(path: Path, picks: Sequence[str] = ()) -> Configuration:
    """Choose the settings as `configure` does, the best guess where there is a question."""
    with open_tree(path) as tree:
        inspection = inspect_tree(tree, picks)
        configuration = _configure_tree(
            tree, replace(inspection, proposal=drop_unusable_parts(inspection.proposal)), name=path.resolve().name
        )
        _try_out(tree, configuration)
        return configuration


def _try_out(tree: FileTree, configuration: Configuration) -> None:
    """Let the form find the samples: settings that do not run must not be written.

    Raises:
        SourceError: what the form says, and that it is inspection's fault.
    """
    source = configuration.settings["source"]
    known = {field.name for field in fields(Layout)}
    layout = Layout(**{name: value for name, value in source.items() if name in known})
    try:
        with console.capture():  # the report says what is left out
            FORMS[source["form"]].find_samples(tree, layout)
    except SourceError as error:
        raise SourceError(
            f"{tree.name} was taken for form {source['form']} with pictures {source['images']!r}, which does not run: {error.what}",
            expected=error.expected,
            fix=f"{error.fix}; or write source and classes in params.yaml by hand, see docs/data.md",
        ) from None


def _configure_tree(tree: FileTree, inspection: Inspection, *, name: str) -> Configuration:
    proposal = inspection.proposal
    guesses = [Guess("source.name", Path(name).stem or name, "the folder's or archive's name")]
    guesses += [Guess("source.home", None, "not known"), Guess("source.images", proposal.images, proposal.reasons[0])]
    if proposal.layout in ("annotations", "layers"):
        described, classes = guess_described(tree, proposal)
        guesses += described
    else:
        classes = _finish_classes(inspection)
        guesses += _guess_form(inspection)
    guesses += [*_guess_missing(proposal), *guess_parts(tree, proposal), *_guess_sizes(inspection)]
    guesses.append(Guess("classes", [entry.to_params() for entry in classes], "; ".join(_tell_classes(inspection))))
    guesses += _guess_checks(inspection, classes)
    scale = guess_scale(inspection.sizes)
    guesses += scale
    num_training = _count_training(proposal) * count_tiles(inspection.sizes, nest(scale)["scale"])
    guesses += guess_training(num_training)
    labelled = sum(entry.fraction for entry in classes if not entry.void) or 1.0
    guesses += guess_class_weights({entry.name: entry.fraction / labelled for entry in classes if not entry.void})
    guesses += guess_augmentation()
    return Configuration(inspection, tuple(classes), tuple(guesses))


def _guess_form(inspection: Inspection) -> list[Guess]:
    """Choose the form and what goes with it."""
    proposal, reading = inspection.proposal, inspection.reading
    assert reading is not None
    guesses = [Guess("source.masks", proposal.masks, "pairs with source.images")]
    if proposal.layout == "composite":
        guesses += [
            Guess("source.form", "composite", "; ".join(proposal.reasons[1:]) or proposal.reasons[0]),
            Guess("source.image_side", proposal.image_side or "left", "the half that does not look painted"),
        ]
    else:
        guesses.append(Guess("source.form", reading.form, reading.reasons[0]))
    if reading.form == "suffix":
        threshold = "otsu" if reading.threshold is None else reading.threshold
        guesses.append(Guess("source.threshold", threshold, reading.reasons[-1]))
    if reading.form == "folders":
        tolerance = max(LEAST_TOLERANCE, float(ceil(reading.tolerance)))
        guesses.append(Guess("encode.tolerance", tolerance, "covers the noise around the classes' colours"))
    return guesses


def _guess_missing(proposal: PairingProposal) -> list[Guess]:
    counts = {
        "pictures have no mask": len(proposal.pictures_without_mask),
        "masks have no picture": len(proposal.masks_without_picture),
        "list lines name no picture": len(proposal.missing),
    }
    present = [f"{count} {what}" for what, count in counts.items() if count]
    if present:
        return [Guess("source.missing", "skip", ", ".join(present))]
    return [Guess("source.missing", "error", "nothing is missing")]


def _guess_sizes(inspection: Inspection) -> list[Guess]:
    sizes = inspection.sizes
    guesses = []
    if sizes.num_other_masks:
        guesses.append(Guess("encode.mask_size", "resize", f"{sizes.num_other_masks} masks of another size: {sizes.example}"))
    if sizes.num_deep:
        guesses.append(
            Guess("source.stretch", [2.0, 98.0], f"{sizes.num_deep} pictures have more than 8 bits: percentiles become 0 and 255")
        )
    return guesses


def _guess_checks(inspection: Inspection, classes: Sequence[ClassEntry]) -> list[Guess]:
    """Choose the limits of validate that this data can keep."""
    reading = inspection.reading
    guesses = []
    worst = reading.unmatched if reading else 0.0
    if 1.5 * worst > USUAL_UNMATCHED:
        limit = min(1.0, ceil(150 * worst) / 100)
        guesses.append(Guess("validate.max_unmatched", limit, f"the worst mask has {worst:.1%} of unmatched pixels"))
    labelled = [entry for entry in classes if not entry.void]
    rare = [entry for entry in labelled if entry.fraction < 0.002 or entry.masks < FEW_MASKS]
    if rare:
        names = ", ".join(entry.name for entry in rare[:5])
        guesses.append(Guess("validate.min_class_fraction", 0.0, f"rare, or in few masks: {names}"))
    findings = inspection.findings
    if findings and reading and reading.form == "index" and findings.looked_at < findings.given:
        why = f"{findings.looked_at} of {findings.given} masks were looked at: the others may hold further ids"
        guesses.append(Guess("encode.unmatched", "void", why))
    if any(entry.void for entry in classes):
        guesses += [
            Guess("validate.max_void", 1.0, "there is a void class, and its part of single masks is not known"),
            Guess("validate.max_empty", 0.1, "some masks may be all void"),
        ]
    return [*guesses, *_guess_leakage(inspection)]


def _guess_leakage(inspection: Inspection) -> list[Guess]:
    """Choose to go on with a warning where a person cannot draw better parts."""
    copies = f"{inspection.num_duplicates} pictures are copies of others: look at them" if inspection.num_duplicates else ""
    own = "the parts are the set's own: what they share is shown, and published figures share it, too"
    reasons = [own] * bool(inspection.proposal.split_source) + [copies] * bool(copies)
    return [Guess("validate.leakage", "warn", "; ".join(reasons))] if reasons else []


def _finish_classes(inspection: Inspection) -> tuple[ClassEntry, ...]:
    """Return the classes as the form needs them: those of composites have colours."""
    reading, proposal = inspection.reading, inspection.proposal
    assert reading is not None
    if proposal.layout == "composite" and reading.form != "folders":
        white = min(255, 2 * (reading.threshold if reading.threshold is not None else 127) + 1)
        return tuple(
            replace(entry, colours=((white if 1 in (entry.source_ids or (entry.id,)) else 0,) * 3,), source_ids=())
            for entry in reading.classes
        )
    return reading.classes


def _tell_classes(inspection: Inspection) -> list[str]:
    reading = inspection.reading
    if reading is None or inspection.proposal.layout == "layers":
        return ["what the annotations or the mask files' names say"]
    return [f"names from {reading.table}"] if reading.table else [reading.reasons[0]]


def _count_training(proposal: PairingProposal) -> int:
    """Return how many pictures the training part will have, about."""
    own = [sample for sample in proposal.samples if sample.split in ("", "train")]
    parts = {sample.split for sample in proposal.samples}
    drawn = sum(fraction for part, fraction in (("test", 0.2), ("val", 0.15)) if part not in parts)
    return max(1, round(len(own) * (1 - drawn)))
