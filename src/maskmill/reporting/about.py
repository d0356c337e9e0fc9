"""What a preset says of itself: the comment that its file begins with."""

import re
from pathlib import Path

PARAGRAPH = re.compile(r"(Reproduces|Data|Then|Published|Differs)\b")


def read_about(presets: Path, name: str) -> list[str]:
    """Return a preset's first comment line, and what follows it in paragraphs.

    Args:
        presets: the folder of the presets.
        name: the preset; after one in a folder, `cpu/camvid`, comes the one of its name above, `camvid`.

    Returns:
        Texts without markup; none where there is no such file.
    """
    layers = dict.fromkeys((name, Path(name).name))
    return [text for layer in layers for text in _read_comment(presets / f"{layer}.yaml")]


def _read_comment(path: Path) -> list[str]:
    """Return a file's first comment line, and its further ones joined to paragraphs, each of which begins with its own word."""
    texts: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if not line.startswith("#"):
            break
        text = line.removeprefix("#").strip()
        if len(texts) < 2 or PARAGRAPH.match(text):
            texts.append(text)
        else:
            texts[-1] += f" {text}"
    return texts
