"""What is in more than one part, as tables and as pictures side by side."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw

from maskmill import pictures
from maskmill.data.leakage import NEAR_DUPLICATE, PARTS, find_examples
from maskmill.data.likeness import Thumbnails
from maskmill.drawing import FAINT, INK, MARGIN, PAPER, load_font, paint_picture
from maskmill.outputs import new_file, new_folder
from maskmill.scaling import resize_picture

PANEL = 480  # width of a picture in the drawing, and its greatest height, pixels
GAP = 16
HEADING, CAPTION = 52, 30  # heights of a pair's heading and of the line above each picture
PAIRS_A_SHEET, MOST_SHEETS = 6, 4


@dataclass(frozen=True)
class SideBySide:
    """Two pictures to draw: what they have to do with each other, how close they are, and part, id and file of each."""

    heading: str
    closeness: str
    first: tuple[str, str, Path]
    second: tuple[str, str, Path]


def write_leakage(
    pairs: pd.DataFrame,
    groups: pd.DataFrame,
    statistics: pd.DataFrame,
    thumbnails: Thumbnails,
    *,
    encoded_dir: Path,
    leakage_dir: Path,
) -> None:
    """Write pairs.csv, groups.csv, and sheets that show the closest pairs and an example of each group.

    Args:
        pairs: as `leakage.find_pairs` gives them.
        groups: as `leakage.find_groups` gives them.
        statistics: id, split and group of each sample.
        thumbnails: uint8 (N, 32, 32), in the order of `statistics`.
        encoded_dir: the encoded pictures, with their samples.csv.
        leakage_dir: the folder to write; what was there is replaced.
    """
    samples = pd.read_csv(encoded_dir / "samples.csv", usecols=["id", "image"], dtype="str", keep_default_na=False)
    paths = {name: encoded_dir / image for name, image in zip(samples["id"], samples["image"], strict=True)}
    with new_folder(leakage_dir) as folder:
        pairs.to_csv(folder / "pairs.csv", index=False, lineterminator="\n")
        groups.to_csv(folder / "groups.csv", index=False, lineterminator="\n")
        shown = pairs.drop_duplicates("second_id").head(PAIRS_A_SHEET * MOST_SHEETS)
        rows = [_show_pair(pair, paths) for pair in shown.to_dict("records")]
        for number, start in enumerate(range(0, len(rows), PAIRS_A_SHEET), 1):
            draw_side_by_side(rows[start : start + PAIRS_A_SHEET], folder / f"pairs_{number}.png")
        examples = [
            _show_example(group, example, paths)
            for group in groups.head(PAIRS_A_SHEET).to_dict("records")
            for example in find_examples(statistics, thumbnails, group["group"]).to_dict("records")
        ]
        if examples:
            draw_side_by_side(examples[:PAIRS_A_SHEET], folder / "groups.png")


def draw_side_by_side(rows: Sequence[SideBySide], path: Path) -> None:
    """Draw pairs of pictures, one below the other, and write them as a PNG.

    Args:
        rows: from top to bottom, at least one; the pictures may differ in size.
        path: file to write.
    """
    drawn = [(row, [_read_panel(path) for _, _, path in (row.first, row.second)]) for row in rows]
    heights = [HEADING + CAPTION + max(panel.height for panel in panels) for _, panels in drawn]
    canvas = Image.new("RGB", (2 * MARGIN + 2 * PANEL + GAP, MARGIN + sum(heights)), PAPER)
    draw = ImageDraw.Draw(canvas)
    top = 0
    for (row, panels), height in zip(drawn, heights, strict=True):
        draw.text((MARGIN, top + HEADING - 10), row.heading, fill=INK, font=load_font(23, bold=True), anchor="ls")
        draw.text((canvas.width - MARGIN, top + HEADING - 10), row.closeness, fill=FAINT, font=load_font(20), anchor="rs")
        for column, ((part, name, _), panel) in enumerate(zip((row.first, row.second), panels, strict=True)):
            left = MARGIN + column * (PANEL + GAP)
            draw.text((left, top + HEADING + CAPTION - 10), part, fill=INK, font=load_font(19, bold=True), anchor="ls")
            start = draw.textlength(part, font=load_font(19, bold=True)) + 10
            draw.text(
                (left + start, top + HEADING + CAPTION - 10), _fit(name, PANEL - start), fill=FAINT, font=load_font(19), anchor="ls"
            )
            canvas.paste(panel, (left, top + HEADING + CAPTION))
        top += height
    with new_file(path) as temporary:
        canvas.save(temporary)


def _show_pair(pair: dict, paths: dict[str, Path]) -> SideBySide:
    is_near = pair["kind"] == NEAR_DUPLICATE
    return SideBySide(
        heading=f"{pair['kind']}, {pair['symmetry']}" if is_near else "duplicate",
        closeness=f"{pair['distance']} of 64 bits differ" if is_near else "the same pixels",
        first=(pair["first_part"], pair["first_id"], paths[pair["first_id"]]),
        second=(pair["second_part"], pair["second_id"], paths[pair["second_id"]]),
    )


def _show_example(group: dict, example: dict, paths: dict[str, Path]) -> SideBySide:
    return SideBySide(
        heading=f"group {group['group']}",
        closeness=", ".join(f"{group[part]} {part}" for part in PARTS if group[part]),
        first=(example["first_part"], example["first_id"], paths[example["first_id"]]),
        second=(example["second_part"], example["second_id"], paths[example["second_id"]]),
    )


def _read_panel(path: Path) -> Image.Image:
    """Read a picture at the drawing's size, of more than three bands the first three."""
    picture = paint_picture(pictures.read_picture(path, max_pixels=sys.maxsize))  # encode has checked the size
    height, width = picture.shape[:2]
    scale = PANEL / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return Image.fromarray(resize_picture(picture, size))


def _fit(text: str, width: float) -> str:
    """Shorten a text in its middle to a width in pixels."""
    font = load_font(19)
    short, kept = text, len(text)
    while font.getlength(short) > width and kept > 2:
        kept -= 1
        short = f"{text[: kept // 2]}...{text[-(kept - kept // 2) :]}"
    return short
