"""The weights of classes in the loss, from names to the order of ids."""

from collections.abc import Mapping, Sequence

from maskmill.errors import ParamsError, suggest


def list_class_weights(weights: Mapping[str, float], names: Sequence[str]) -> list[float] | None:
    """Return a weight for each class.

    Args:
        weights: class name to weight, at least 0; classes that are not named have 1.
        names: the K class names in id order, void not among them.

    Returns:
        K weights; None where none are given.

    Raises:
        ParamsError: a name that is no class, or no class with a weight above 0.
    """
    if not weights:
        return None
    for name in weights:
        if name not in names:
            raise ParamsError(
                f"train.class_weights names {name!r}, which is no class{suggest(name, names)}",
                expected=f"any of {', '.join(names)}",
            )
    listed = [float(weights.get(name, 1.0)) for name in names]
    if not any(listed):
        raise ParamsError("train.class_weights: every class has the weight 0", expected="at least one above 0")
    return listed
