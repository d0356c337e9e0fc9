"""What words in the names of folders and files say about their content."""

import re

from maskmill.sources.inspection.names import split_tokens

_MASK = re.compile(
    r"mask|label|lbl|annot|ann(o|s)?$|^gt|gts?$|groundtruth|ground.?truth|truth|segm|^segs?$|seg(mentation)?s?$|manual|trimap|matte|"
    r"parsing|semantic|^ho$|msk|lesion|contour|target|outline|^class(es)?$|labelled|painted|expert|grader"
)
_PICTURE = re.compile(
    r"image|^im$|^imgs?|img|photo|input|^sat$|satellite|^rgb|original|picture|^raw|^src$|ortho|^top$|frame|scan|slice"
)
_DERIVED = re.compile(
    r"overlay|^vis$|visuali[sz]|preview|thumb|^pred|prediction|result|output|blend|superpos|montage|heat.?map|probabilit|figure|grad.?cam"
)
# Of several mask families of the same pictures the lower rank is the more useful one.
_RANKS = (
    (1, re.compile(r"colou?r|rgb|palette")),
    (2, re.compile(r"instance|inst(s|ids)?$|object|panoptic|watershed|contour|boundar|edges?$|depth|disparity")),
)


def score_mask_words(text: str) -> float:
    """Return 1 where a name says mask, 0 where it says picture, 0.5 where it says nothing."""
    words = _read_words(text)
    if any(_MASK.search(word) for word in words):
        return 1.0
    return 0.0 if any(_PICTURE.search(word) for word in words) else 0.5


def says_derived(text: str) -> bool:
    """Tell whether a name says that the files were made from pictures or masks: overlays, previews, predictions."""
    return any(_DERIVED.search(word) for word in _read_words(text))


def rank_kind(text: str) -> int:
    """Return 0 for what most likely holds class ids or class masks, 1 for colour renderings, 2 for instances and the like."""
    words = _read_words(text)
    return max((rank for rank, expression in _RANKS if any(expression.search(word) for word in words)), default=0)


def _read_words(text: str) -> list[str]:
    """Return the words of a name in lower case: whole components and the parts of camelCase."""
    components = [part for part in re.split(r"[\s/_.\-()]+", text) if part]
    words = [component.casefold() for component in components]
    words += [token.casefold() for component in components for token in split_tokens(component) if token.isalpha()]
    return words


def penalise_pictures(text: str) -> float:
    """Return what to take off for pictures that are less likely the ones meant: depth, infrared, or made from others."""
    words = _read_words(text)
    return 0.1 * any(re.search(r"depth|^dsm$|^ndsm$|^dem$|disparity|^nir$|irrg|thermal|infrared", word) for word in words)
