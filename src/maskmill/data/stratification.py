"""Choosing whole groups for a part: of the right size, and with every class as often as in all samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_COMPARED = 12  # so many groups have 4095 choices: all of them are compared
MAX_CANDIDATES = 128  # groups to add and to remove that are tried in pairs, the most promising ones

Ratings = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Draw:
    """What is to be chosen from.

    Args:
        sizes: int (G,), the samples of each group.
        counts: int (G, K), those among them that have each class.
        target: the number of samples wanted.
        most: the number of groups that may be taken at most, from 1.
        fewest_of: int (K,), the number of groups with each class that should be taken at least, 0 or 1.
        most_of: int (K,), the number of them that should be taken at most: other parts need them, too.
        shares: float (K,), the share of all samples that has each class.
    """

    sizes: NDArray[np.int64]
    counts: NDArray[np.int64]
    target: int
    most: int
    fewest_of: NDArray[np.int64]
    most_of: NDArray[np.int64]
    shares: NDArray[np.float64]


def choose_nearest(sizes: NDArray[np.int64], target: int, most: int) -> list[int]:
    """Choose positions of `sizes` whose sum is as near to `target` as possible, at least one and at most `most` of them.

    `first[s]` is the earliest position with which some choice among the positions up to it sums to s, so the choice is read
    back by going from s to s - sizes[first[s]]. Sums far above the target are not needed.
    """
    limit = max(2 * target, int(sizes.min()))
    first = np.full(limit + 1, -1, np.int64)
    reached = np.zeros(limit + 1, bool)
    reached[0] = True
    for position, size in enumerate(sizes.tolist()):
        if size > limit:
            continue
        new = np.zeros_like(reached)
        new[size:] = reached[: limit + 1 - size]
        new &= ~reached
        first[new] = position
        reached |= new
        if target > 0 and reached[target]:
            break
    sums = np.flatnonzero(reached)[1:]  # without the empty choice; argmin takes the smaller of two as near
    total = int(sums[np.argmin(np.abs(sums - target))])
    chosen = []
    while total:
        chosen.append(int(first[total]))
        total -= int(sizes[chosen[-1]])
    # The other parts need groups too: the smallest go back, which changes the sum least.
    return sorted(chosen, key=lambda position: (-sizes[position], position))[:most]


def choose_balanced(draw: Draw) -> list[int]:
    """Choose groups by three rules, each among the choices that the ones before leave.

    1. As few classes as possible are absent here, or taken from the parts that are drawn later.
    2. The size is not farther from the target than half an average group; where no choice is that near, as near as can be.
    3. The classes are as frequent as in all samples, by Pearson's chi-squared statistic.

    Up to MAX_COMPARED groups all choices are compared. Of more, the choice of the nearest size is improved by adding, removing
    and exchanging groups, each time by the best such step, until none improves it.

    Returns:
        Positions, at least one and at most `draw.most`.
    """
    # A row a group; sums of rows say all that the rules ask of a choice.
    rows = np.column_stack([np.ones_like(draw.sizes), draw.sizes, draw.counts, draw.counts > 0])
    if len(rows) <= MAX_COMPARED:
        choices = (np.arange(1, 2 ** len(rows))[:, None] >> np.arange(len(rows))) & 1
        best = _find_best(_rate(draw, choices @ rows))
        return np.flatnonzero(choices[best]).tolist()
    chosen = np.zeros(len(rows), bool)
    chosen[choose_nearest(draw.sizes, draw.target, draw.most)] = True
    while True:
        toggled = _find_best_step(draw, rows, chosen)
        if not len(toggled):
            return np.flatnonzero(chosen).tolist()
        chosen[toggled] ^= True


def _find_best_step(draw: Draw, rows: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the groups to add or remove, one or one of each, for the best choice that is better than `chosen`; or none."""
    now = rows[chosen].sum(axis=0)
    changes = np.where(chosen[:, None], -rows, rows)
    ratings = _rate(draw, now + changes)
    # An exchange restores the size, and the number of groups: what is worth trying is told by the other rules.
    promising = np.lexsort((ratings[3], ratings[1]))
    added = promising[~chosen[promising]][:MAX_CANDIDATES]
    removed = promising[chosen[promising]][:MAX_CANDIDATES]
    pairs = np.stack(np.meshgrid(removed, added, indexing="ij"), axis=-1).reshape(-1, 2)
    exchanged = _rate(draw, now + changes[pairs[:, 0]] + changes[pairs[:, 1]])
    every = [np.concatenate([first, second]) for first, second in zip(ratings, exchanged, strict=True)]
    best = _find_best(every)
    if tuple(rating[best] for rating in every) >= tuple(rating[0] for rating in _rate(draw, now[None])):
        return np.array([], np.int64)
    return np.array([best]) if best < len(rows) else pairs[best - len(rows)]


def _rate(draw: Draw, sums: NDArray[np.int64]) -> Ratings:
    """Return what is bad about choices, the worst first, each (M,).

    Args:
        draw: what is wanted.
        sums: int (M, 2 + 2 K): groups, samples, samples with each class, groups with each class.
    """
    num_classes = len(draw.shares)
    num_groups, size = sums[:, 0], sums[:, 1]
    counts, groups = sums[:, 2 : 2 + num_classes], sums[:, 2 + num_classes :]
    impossible = ((num_groups < 1) | (num_groups > draw.most)).astype(np.int64)
    absent = np.maximum(draw.fewest_of - groups, 0) + np.maximum(groups - draw.most_of, 0)
    tolerance = draw.sizes.mean() / 2
    excess = np.maximum(np.abs(size - draw.target) - tolerance, 0)
    expected = size[:, None] * draw.shares
    imbalance = ((counts - expected) ** 2 / np.maximum(expected, 1e-9)).sum(axis=1)
    return impossible, absent.sum(axis=1), excess, imbalance.round(2)  # a random choice has about 1 a class


def _find_best(ratings: Sequence[NDArray]) -> int:
    return int(np.lexsort(ratings[::-1])[0])
