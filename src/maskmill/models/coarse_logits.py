"""The end of a model whose last features are coarser than the picture."""

import keras
from keras import layers

from maskmill.models.enlarging import BilinearUpsampling
from maskmill.models.layers import CropToPictures


def classify_coarse(features: keras.KerasTensor, pictures: keras.KerasTensor, num_classes: int, stride: int) -> keras.KerasTensor:
    """End a model: classify each place, and upsample the logits to the picture's size.

    Upsampling the features and then classifying would give the same logits, by a hundred times the work.

    Args:
        features: (B, H', W', F), of the padded pictures.
        pictures: the model's input, (B, H, W, C).
        num_classes: K.
        stride: of the features, in pixels.

    Returns:
        float32 logits (B, H, W, K).
    """
    logits = layers.Conv2D(num_classes, 1, kernel_initializer="he_normal", name="logits")(features)
    # From here on in float32 whatever the precision of the network.
    logits = BilinearUpsampling(stride, dtype="float32", name="logits_up")(logits)
    return CropToPictures(dtype="float32", name="crop")(logits, pictures)
