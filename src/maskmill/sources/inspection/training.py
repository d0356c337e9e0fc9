"""How long and in what portions to train on so many pictures, how to augment them, and how much rare classes weigh."""

from collections.abc import Mapping

from maskmill.sources.inspection.guesses import Guess

SEEN = 3000  # pictures that training is to see altogether: some minutes on two cores
SEEN_IN_TRIAL = 400
FEWEST_EPOCHS, MOST_EPOCHS = 4, 40
BATCH = 8
AUTO_RECIPE = "upright"  # what the chosen augmentation is called in params.yaml
AUTO_TRANSFORMS = [
    {"name": "HorizontalFlip", "p": 0.5},
    {"name": "Affine", "scale": [0.8, 1.25], "translate_percent": [-0.1, 0.1], "rotate": [-10, 10], "border_mode": 4, "p": 0.7},
    {"name": "RandomBrightnessContrast", "brightness_limit": 0.2, "contrast_limit": 0.2, "p": 0.5},
]
SHORTEST_EPOCH = 160  # pictures: twenty steps
MOST_WEIGHT = 4.0
BALANCED = 8.0  # the commonest class this many times as frequent as the rarest needs no weights


def guess_training(num_training: int) -> list[Guess]:
    """Choose batch size, epochs and search for `num_training` pictures (or tiles) in the training part."""
    epoch = max(num_training, SHORTEST_EPOCH)
    seen = f"{num_training} training pictures"
    guesses = []
    if epoch > num_training:
        why = f"{seen} make too few steps an epoch: that many with augmented copies"
        guesses.append(Guess(f"augment.recipes.{AUTO_RECIPE}.total", epoch, why))
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(SEEN / epoch)))
    trial_epochs = max(1, round(SEEN_IN_TRIAL / epoch))
    return [
        *guesses,
        Guess("train.batch_size", BATCH, "twenty steps an epoch or more"),
        Guess("train.epochs", epochs, f"{seen}, about {SEEN:,} of them seen altogether"),
        Guess("train.patience", max(4, epochs // 2), "half of the epochs"),
        Guess("tune.epochs", trial_epochs, f"{seen}, about {SEEN_IN_TRIAL} seen in a trial"),
        Guess(
            "tune.space",
            {
                "backbone": ["resnet18", "mobilenetv2"],
                "learning_rate": {"low": 0.0003, "high": 0.01, "log": True},
                "batch_size": [BATCH // 2, BATCH],
            },
            "the default search",
        ),
    ]


def guess_augmentation() -> list[Guess]:
    """Choose what suits most pictures, whatever their bands and sides."""
    reason = "right for pictures with an up and a down; add RandomRotate90 for pictures from above or through a microscope"
    return [
        Guess("augment.recipe", AUTO_RECIPE, "written out below it"),
        Guess(f"augment.recipes.{AUTO_RECIPE}.transforms", AUTO_TRANSFORMS, reason),
    ]


def guess_class_weights(fractions: Mapping[str, float]) -> list[Guess]:
    """Choose weights for classes of very different frequency: the root of the median frequency over the class's own.

    Args:
        fractions: class name -> part of all labelled pixels; classes that were not seen have 0.
    """
    seen = {name: fraction for name, fraction in fractions.items() if fraction > 0}
    if len(seen) < 2 or max(seen.values()) < BALANCED * min(seen.values()):
        return [Guess("train.class_weights", {}, "no class is much rarer than the others")]
    ordered = sorted(seen.values())
    median = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    weights = {name: round(min(MOST_WEIGHT, max(1 / MOST_WEIGHT, (median / part) ** 0.5)), 2) for name, part in seen.items()}
    rarest = min(seen, key=lambda name: seen[name])
    reason = f"{rarest} has {seen[rarest]:.2%} of the pixels: root of median frequency / own frequency"
    return [Guess("train.class_weights", weights, reason)]
