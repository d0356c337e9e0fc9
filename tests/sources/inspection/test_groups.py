"""Which pictures belong together, by their names; and sets that lie in two places."""

import pytest

from maskmill.sources.inspection.elsewhere import raise_elsewhere
from maskmill.sources.inspection.groups import find_group
from maskmill.sources.inspection.proposals import PairingProposal, Sample, find_rivals
from maskmill.sources.patterns import compile_pattern

SLIDES = ("alpha", "CMU-2", "S 14")


@pytest.mark.parametrize(
    "name",
    [
        "{slide} [x={x},y={y},w=512,h=512].png",
        "{slide} [d=2,x={x},y={y},w=512,h=512].png",
        "{slide}_x{x}_y{y}.png",
        "{slide}_r{x}_c{y}.png",
        "{slide}_{x}_{y}.png",
    ],
)
def test_tiles_of_one_slide_are_a_group(name):
    paths = [name.format(slide=slide, x=x, y=y) for slide in SLIDES for x in (0, 512, 1024) for y in (0, 512)]
    found = find_group(compile_pattern("{name}.png", "source.images"), paths)
    assert found
    group, images, _ = found
    pattern = compile_pattern(images, "source.images")
    groups = [group.format_map(pattern.match(path) or {}) for path in paths]
    assert [len(set(groups[place : place + 6])) for place in (0, 6, 12)] == [1, 1, 1]
    assert len(set(groups)) == 3


def test_names_without_anything_in_common_are_no_groups():
    paths = [f"{word}.png" for word in ("lake", "hill", "pier", "mill", "road", "farm")]
    assert find_group(compile_pattern("{name}.png", "source.images"), paths) is None


def propose(folder, number, score):
    samples = tuple(Sample(f"{folder}/images/{n}.png", (f"{folder}/masks/{n}.png",)) for n in range(number))
    return PairingProposal("separate", f"{folder}/images/{{n}}.png", f"{folder}/masks/{{n}}.png", samples, score=score)


def test_a_further_part_of_the_set_is_a_rival_and_a_worse_way_to_read_it_is_not():
    best, elsewhere, few = propose("north", 10, 0.9), propose("yard", 4, 0.9 - 0.55 * 0.6), propose("odd", 1, 0.9 - 0.55 * 0.9)
    ranked = sorted(raise_elsewhere([best, elsewhere, few]), key=lambda proposal: -proposal.score)
    assert [proposal.images for proposal in find_rivals(ranked)] == [best.images, elsewhere.images]
    same = PairingProposal("separate", "north/images/{n}.png", "other/{n}.png", best.samples[:4], score=0.57)
    assert raise_elsewhere([best, same])[1].score == 0.57
