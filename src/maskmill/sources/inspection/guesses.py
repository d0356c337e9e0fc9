"""Guesses: settings that inspection chose, each with its reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Guess:
    """One setting.

    Args:
        setting: its name in params.yaml, with dots: "source.form".
        value: what params.yaml gets.
        reason: why, one line.
    """

    setting: str
    value: Any
    reason: str


def nest(guesses: Iterable[Guess]) -> dict[str, Any]:
    """Return guesses as the sections of params.yaml; later ones win."""
    sections: dict[str, Any] = {}
    for guess in guesses:
        *parents, name = guess.setting.split(".")
        section = sections
        for parent in parents:
            section = section.setdefault(parent, {})
        section[name] = guess.value
    return sections
