"""The sections train and tune of params.yaml: every key, its type and its range.

The names of architectures, backbones and losses stand here as well as in their tables, so that a wrong one is refused before
anything is downloaded or Keras is loaded; tests hold the two against each other. So do rules of head and class weights.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, ValidationError, field_validator, model_validator

from maskmill.sections import Fraction, Section, Seed, suggest_or_list

Architecture = Literal["unet", "xception_unet", "segnet", "segnet_basic", "fcn", "dynamic_unet", "deeplabv3plus", "segformer"]
Backbone = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "densenet121",
    "cspdarknet53",
    "mit_b0",
    "mit_b1",
    "mit_b2",
    "mit_b3",
    "mit_b4",
    "mit_b5",
    "vgg16",
    "vgg19",
    "mobilenetv2",
    "mobilenetv3_small",
    "mobilenetv3_large",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "efficientnetv2_b0",
    "efficientnetv2_b1",
    "efficientnetv2_b2",
    "efficientnetv2_b3",
    "efficientnetv2_s",
    "efficientnetv2_m",
    "efficientnetv2_l",
    "convnext_tiny",
    "xception",
]
LossTerm = Literal[
    "cross_entropy",
    "binary_cross_entropy",
    "dice",
    "log_dice",
    "jaccard",
    "focal",
    "tversky",
    "lovasz",
    "boundary",
]
LossSum = Literal["ce_dice", "bce_jaccard", "dice_bce", "bce_log_dice"]
Weight = Annotated[float, Field(ge=0.0)]
Dropout = Annotated[float, Field(ge=0.0, lt=1.0)]


class FloatRange(Section):
    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high or (self.log and self.low <= 0):
            raise ValueError(f"low {self.low:g} and high {self.high:g} are no range" + (" on a log scale" if self.log else ""))
        return self

    def holds(self, value: Any) -> bool:
        """Whether a value is a number in the range, both ends included."""
        return isinstance(value, int | float) and self.low <= value <= self.high


# The train settings that a search can vary continuously.
FRACTIONAL = (
    "backbone_factor",
    "dropout",
    "focal_gamma",
    "input_noise",
    "label_smoothing",
    "learning_rate",
    "momentum",
    "warmup",
    "weight_decay",
)

NOT_OF_A_TRIAL = {"epochs", "patience", "monitor", "threshold"}  # the train settings that only the final training reads
NOT_SEARCHED = NOT_OF_A_TRIAL | {"seed", "class_weights", "decoder_filters", "tversky"}


class TuneParams(Section):
    trials: Annotated[int, Field(ge=0)]
    epochs: Annotated[int, Field(ge=1)]
    seed: Seed
    pruner: Literal["median", "hyperband", "none"]
    space: dict[str, FloatRange | tuple[str | int | float | None, ...]]

    @model_validator(mode="after")
    def _searchable(self) -> Self:
        known = set(TrainParams.model_fields) - NOT_SEARCHED
        for name, choices in self.space.items():
            if name not in known:
                raise ValueError(f"tune.space.{name} is not a train setting that can be searched{suggest_or_list(name, known)}")
            if isinstance(choices, FloatRange) and name not in FRACTIONAL:
                raise ValueError(f"tune.space.{name} is a range, only {', '.join(FRACTIONAL)} can be: give a list of choices")
            if choices == ():
                raise ValueError(f"tune.space.{name} offers nothing: take it out, or give it choices")
            for value in choices if isinstance(choices, tuple) else (choices.low, choices.high):
                _check_train_value(name, value)
        return self

    def check_first(self, train: "TrainParams") -> None:
        """Raise ValueError where the space does not hold the train section's own value, with which the search begins."""
        for name, choices in self.space.items():
            value = getattr(train, name)
            inside = value in choices if isinstance(choices, tuple) else choices.holds(value)
            if not inside:
                raise ValueError(
                    f"train.{name} = {value!r} lies outside tune.space.{name}, and the first trial takes params.yaml's own values:"
                    f" widen the space, or fix the value by hand with tune.trials: 0"
                )


class TrainParams(Section):
    seed: Seed
    architecture: Architecture
    backbone: Backbone | None
    weights: str
    freeze_epochs: Annotated[int, Field(ge=0)]
    backbone_factor: Annotated[float, Field(gt=0.0)]
    base_filters: Annotated[int, Field(ge=1)]
    depth: Annotated[int, Field(ge=2, le=8)]
    decoder_filters: tuple[Annotated[int, Field(ge=1)], ...]
    dropout: Dropout | tuple[Dropout, ...]
    activation: Literal["relu", "elu"]
    norm: Literal["batch", "none"]
    initializer: Literal["he_normal", "he_uniform"]
    upsampling: Literal["transposed", "nearest", "bilinear"]
    input_noise: Fraction
    fcn_stride: Literal[8, 16, 32]
    self_attention: bool
    head: Literal["auto", "softmax", "sigmoid"]
    epochs: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    optimizer: Literal["adamw", "adam", "sgd"]
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)]
    schedule: Literal["cosine", "constant"]
    learning_rate: Annotated[float, Field(gt=0.0)]
    weight_decay: Weight
    warmup: Fraction
    loss: LossSum | dict[LossTerm, Weight]
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)]
    focal_gamma: Weight
    tversky: tuple[Weight, Weight]
    class_weights: Literal["median_frequency"] | dict[str, Weight] | tuple[Weight, ...]
    threshold: Literal["auto"] | Annotated[float, Field(gt=0.0, lt=1.0)]
    monitor: Literal["val_dice", "val_iou", "val_accuracy", "val_loss"]
    patience: Annotated[int, Field(ge=1)]
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]

    @property
    def of_a_trial(self) -> dict[str, Any]:
        """What a trial of the search trains with, before its own settings are laid over it."""
        return self.model_dump(exclude=NOT_OF_A_TRIAL)

    def check_classes(self, names: Sequence[str], labels: Literal["exclusive", "overlapping"]) -> None:
        """Raise ValueError where head or class weights do not go with the classes' `names`, void aside, and encode.labels."""
        if labels == "overlapping" and self.head == "softmax":
            raise ValueError("train.head is softmax, one class a pixel, but encode.labels is overlapping: set train.head to auto")
        if labels == "exclusive" and self.head == "sigmoid" and len(names) != 2:
            raise ValueError(
                f"train.head is sigmoid, one class against the background, but there are {len(names)} exclusive classes"
                f" ({', '.join(names)}): set train.head to auto, or encode.labels to overlapping"
            )
        weights = self.class_weights
        if isinstance(weights, tuple) and len(weights) != len(names):
            raise ValueError(
                f"train.class_weights lists {len(weights)} weights, and there are {len(names)} classes: {', '.join(names)}"
            )
        for name in weights if isinstance(weights, dict) else ():
            if name not in names:
                raise ValueError(f"train.class_weights names {name!r}, which is no class{suggest_or_list(name, set(names))}")

    @field_validator("loss", mode="before")
    @classmethod
    def _sum_not_term(cls, loss: Any) -> Any:
        if isinstance(loss, str) and loss in get_args(LossTerm):
            raise ValueError(f"train.loss {loss!r} is a term, not a sum: write {{{loss}: 1.0}}")
        return loss

    @field_validator("loss")
    @classmethod
    def _some_loss(cls, loss: str | dict[str, float]) -> str | dict[str, float]:
        if isinstance(loss, dict) and not any(loss.values()):
            raise ValueError("train.loss: at least one weight must be above 0")
        return loss

    @field_validator("tversky")
    @classmethod
    def _some_tversky(cls, tversky: tuple[float, float]) -> tuple[float, float]:
        if not any(tversky):
            raise ValueError("train.tversky: at least one of the two must be above 0, or nothing is wrong")
        return tversky


_ANY_TRAIN = TrainParams.model_construct()  # type: ignore[call-arg]  # only a place to try single values on


def _check_train_value(name: str, value: Any) -> None:
    try:
        TrainParams.__pydantic_validator__.validate_assignment(_ANY_TRAIN, name, value)
    except ValidationError as error:
        for problem in error.errors():
            if problem["type"] == "frozen_instance":
                return
            if problem["loc"][:1] == (name,):
                raise ValueError(f"tune.space.{name} offers {value!r}: {problem['msg']}") from None
