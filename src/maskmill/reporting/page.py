"""The results page: one HTML file that needs nothing else, the same bytes for the same store."""

import math
import tempfile
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from maskmill.outputs import new_file
from maskmill.registry.tracking import Tracker
from maskmill.reporting.choosing import choose_records
from maskmill.reporting.section import Section, build_section

FOLDER = Path(__file__).parent


def write_report(tracker: Tracker, path: Path, *, presets: Path) -> int:
    """Write the results page of a store.

    Args:
        tracker: the store.
        path: the HTML file to write.
        presets: the folder of the presets, whose comments say what they are.

    Returns:
        The number of its sections, one a preset and data set.

    Raises:
        RegistryError: the store does not answer, or has no training that is finished and evaluated.
    """
    with tempfile.TemporaryDirectory() as folder:
        sections = [build_section(record, presets) for record in choose_records(tracker, Path(folder))]
    with new_file(path) as temporary:
        temporary.write_text(render_page(sections), encoding="utf-8")
    return len(sections)


def render_page(sections: list[Section]) -> str:
    """Return the page as HTML; whatever comes from data or settings is escaped."""
    environment = Environment(
        loader=PackageLoader("maskmill.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": show_figure, "percent": show_percent, "span": show_span}
    environment.tests["address"] = is_address
    style = Markup((FOLDER / "style.css").read_text(encoding="utf-8"))  # our own
    return environment.get_template("page.html.jinja").render(sections=sections, style=style)


def show_figure(value: float | None) -> str:
    """Show a score with three decimals; None and NaN alike mean that there is none."""
    return "absent" if value is None or math.isnan(value) else f"{value:.3f}"


def show_percent(value: float | None) -> str:
    """Show a fraction as a percentage, a small one with two decimals."""
    if value is None:
        return "absent"
    return f"{value:.2%}" if value < 0.01 else f"{value:.1%}"


def show_span(least: int, most: int) -> str:
    """Show the least and the most of a number, or the one that it always is."""
    return f"{least}" if least == most else f"{least} to {most}"


def is_address(home: str | None) -> bool:
    """Return whether a text is an address that a browser may be sent to."""
    return bool(home) and str(home).startswith(("https://", "http://"))
