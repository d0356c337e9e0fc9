"""What a look at the masks gives: what they hold, how that may be read, and why."""

from dataclasses import dataclass
from typing import Any, Literal

Colour = tuple[int, int, int]
Kind = Literal["binary", "ids", "instances", "trimap", "colours", "photo"]


@dataclass(frozen=True)
class ClassEntry:
    """One line of the `classes` section of params.yaml, and why it is there.

    Args:
        name: unique among the entries.
        id: 0 to K - 1; None for void.
        colours: RGB triples, the shown one first; empty where masks hold ids without a palette.
        source_ids: integers, or ranges as text ("> 0", "26000-26999"), of masks that hold ids; empty for masks of colours, and
            for form suffix, whose masks hold 0 and 1.
        void: whether its pixels are not trained on.
        fraction: of all pixels looked at, 0 to 1.
        masks: how many of the masks looked at hold it.
        reason: one line for a person.
    """

    name: str
    id: int | None
    colours: tuple[Colour, ...] = ()
    source_ids: tuple[int | str, ...] = ()
    void: bool = False
    fraction: float = 0.0
    masks: int = 0
    reason: str = ""

    def to_params(self) -> dict[str, Any]:
        """Return the entry as params.yaml writes it: only what is set."""
        entry: dict[str, Any] = {"id": self.id} if self.id is not None else {}
        entry["name"] = self.name
        if self.colours:
            entry["colours"] = [list(colour) for colour in self.colours]
        if self.source_ids:
            entry["source_ids"] = list(self.source_ids)
        return entry | ({"void": True} if self.void else {})


@dataclass(frozen=True)
class MaskReading:
    """One way to read the masks.

    Args:
        kind: what the masks hold, read this way.
        form: the source form that reads it: "suffix" (threshold), "index", "trimap" or "folders" (colours; a composite's masks are
            read likewise); "" for photos.
        classes: id order, void last.
        likelihood: 0 to 1, to compare the readings of one set; those within 0.2 of each other are about equally likely.
        reasons: lines for a person, the weightiest first.
        threshold: of form suffix: the highest grey value (0 to 255) that is still background.
        tolerance: of colours: the RGB distance that covers the noise; 0 in clean masks.
        unmatched: of colours: the fraction of pixels beyond the tolerance, in the worst mask looked at.
        table: the file that names come from; None: from no file.
    """

    kind: Kind
    form: str
    classes: tuple[ClassEntry, ...]
    likelihood: float
    reasons: tuple[str, ...]
    threshold: int | None = None
    tolerance: float = 0.0
    unmatched: float = 0.0
    table: str | None = None


@dataclass(frozen=True)
class MaskFindings:
    """What the masks of a set hold.

    Args:
        readings: the ways to read them, the likeliest first; never empty.
        given: how many masks there are.
        looked_at: how many of them were read, spread evenly.
        unreadable: lines about files that could not be read.
        values: (colour or id as text, fraction of all pixels, number of masks), the most frequent first, noise not among them.
        notes: lines for a person: tables that do not fit, classes left out, odd colours, files that could not be read.
    """

    readings: tuple[MaskReading, ...]
    given: int
    looked_at: int
    unreadable: tuple[str, ...]
    values: tuple[tuple[str, float, int], ...]
    notes: tuple[str, ...]

    @property
    def best(self) -> MaskReading:
        """The likeliest reading."""
        return self.readings[0]

    @property
    def is_ambiguous(self) -> bool:
        """Whether a second reading is about as likely as the first, so that a person should choose."""
        return len(self.readings) > 1 and self.readings[0].likelihood - self.readings[1].likelihood < 0.2
