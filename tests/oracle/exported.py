"""Networks that PyTorch has exported, whose weights are drawn anew: `make_exported` writes them."""

from pathlib import Path

import numpy as np
import onnx

from . import recipe, zoo_weights

FOLDER = Path(__file__).parents[1] / "onnx" / "exported"
# Of the step of training: the classes of the images, and the learning rate.
TARGETS = (3, 7)
LR = 0.1


def images_of(name: str) -> np.ndarray:
    """Return images of the size that a network is exported for; the older exporter divides maps evenly."""
    if name != "vgg11_bn":
        return zoo_weights.images()
    return recipe.make({**recipe.uniform((2, 3, 224, 224), 1.7), "seed": 1}, np.float32)


def filled(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph with the weights that it lacks."""
    lacking = {
        array.name: list(array.dims)
        for array in model.graph.initializer
        if array.data_type == onnx.TensorProto.FLOAT and not array.raw_data and not array.float_data
    }
    drawn = zoo_weights.weights(lacking)
    for array in model.graph.initializer:
        if array.name in lacking:
            array.raw_data = drawn[array.name].tobytes()
    return model
