"""Networks as data, so that PyTorch and fastcnn build the same: ``{"type": name, "args": {...}}``."""

import math

from . import recipe


def layer(kind: str, body: list | None = None, **args) -> dict:
    """Describe one layer; `body` holds the layers inside a residual block."""
    return {"type": kind, "args": args, **({} if body is None else {"body": body})}


def build(library, layers):
    """Return the layer that is described, or a Sequential of several, of the classes in `library`."""
    modules = []
    for description in layers:
        inside = [build(library, description["body"])] if "body" in description else []
        modules.append(getattr(library, description["type"])(*inside, **description["args"]))
    return modules[0] if len(modules) == 1 else library.Sequential(*modules)


def state_specs(shapes: dict[str, tuple[int, ...]]) -> dict[str, recipe.Spec]:
    """Return recipes for the weights and statistics of a state dict, as large as training starts from."""
    specs = {}
    for name, shape in shapes.items():
        leaf = name.rpartition(".")[2]
        if leaf == "num_batches_tracked":
            specs[name] = recipe.integers((), 1)
        elif leaf == "running_var" or (len(shape) == 1 and leaf == "weight"):
            specs[name] = recipe.uniform(shape, 0.5, 1.0)
        else:
            specs[name] = recipe.uniform(shape, 1 / math.sqrt(max(1, math.prod(shape[1:]))))
    return specs


# The compact MNIST network's kinds of layers at a size whose weights are small to store.
COMPACT = [
    layer("Conv2d", in_channels=1, out_channels=6, kernel_size=3, padding=1),
    layer("BatchNorm2d", num_features=6),
    layer("ReLU"),
    layer("Conv2d", in_channels=6, out_channels=9, kernel_size=3, padding=1),
    layer("BatchNorm2d", num_features=9),
    layer("ReLU"),
    layer("Dropout", p=0.1),
    layer("MaxPool2d", kernel_size=2),
    layer("Conv2d", in_channels=9, out_channels=12, kernel_size=3, padding=1),
    layer("BatchNorm2d", num_features=12),
    layer("ReLU"),
    layer("MaxPool2d", kernel_size=2),
    layer("Conv2d", in_channels=12, out_channels=4, kernel_size=1),
    layer("Flatten"),
    layer("Linear", in_features=4 * 7 * 7, out_features=10),
    layer("LogSoftmax", dim=1),
]
COMPACT_IMAGES = recipe.uniform((6, 1, 28, 28), 1.5) | {"seed": 28}

# Small networks of what bfloat16 is for: convolutions of 3x3 and 1x1, with strides, normalised or not.
AUTOCAST_SHAPE = (3, 16, 16)
_PLAIN = [
    layer("Conv2d", in_channels=3, out_channels=16, kernel_size=3, padding=1),
    layer("ReLU"),
    layer("Conv2d", in_channels=16, out_channels=32, kernel_size=3, padding=1),
    layer("ReLU"),
    layer("MaxPool2d", kernel_size=2),
    layer("Conv2d", in_channels=32, out_channels=24, kernel_size=3, stride=2, padding=1),
    layer("SiLU"),
    layer("Conv2d", in_channels=24, out_channels=8, kernel_size=1),
    layer("Flatten"),
    layer("Linear", in_features=8 * 4 * 4, out_features=10),
]
_NORMALISED = [
    layer("Conv2d", in_channels=3, out_channels=16, kernel_size=3, padding=1, bias=False),
    layer("BatchNorm2d", num_features=16),
    layer("ReLU"),
    layer(
        "Residual",
        [
            layer("Conv2d", in_channels=16, out_channels=16, kernel_size=3, padding=1, bias=False),
            layer("BatchNorm2d", num_features=16),
            layer("ReLU"),
        ],
    ),
    layer("Conv2d", in_channels=16, out_channels=20, kernel_size=2, stride=2, bias=False),
    layer("BatchNorm2d", num_features=20),
    layer("ReLU"),
    layer("AvgPool2d", kernel_size=2),
    layer("Flatten"),
    layer("Linear", in_features=20 * 4 * 4, out_features=10),
]
AUTOCAST = {"plain": _PLAIN, "normalised": _NORMALISED}
