"""The networks by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import nn
from .._shapes import integer
from ..errors import ArgumentError, DTypeError, FastcnnError, ShapeError, suggestion
from .networks import (
    autoencoder,
    compact,
    convnext,
    densenet,
    efficientnet,
    lenet,
    mobilenet,
    position_bias,
    residual,
    residual_cifar,
    resnet,
    shallow,
    shufflenet,
    squeezenet,
    unet,
    vgg,
)

# What networks make of an image: a logit for each class, for each class of each pixel, or an image.
CLASSES, PIXELS, IMAGES = "classes", "pixels", "images"


class Network(NamedTuple):
    """A network of the zoo: what makes it, the images that it was made for, and what it is in one line.

    Attributes
    ----------
    make : callable
        ``make(input_shape, num_classes, **options)``, without num_classes if it makes images.
    input_shape : (C, H, W)
    description : str
    num_classes : int
        Of the data that it was made for; 0 of what makes images.
    output : str
        What it makes of an image: "classes", logits (num_classes,); "pixels", those of each pixel's classes
        (num_classes, H, W); "images", an image of the input's shape.
    torchvision : bool
        Whether it is one of torchvision, with its names of weights.
    """

    make: Callable[..., nn.Module]
    input_shape: tuple[int, int, int]
    description: str
    num_classes: int = 10
    output: str = CLASSES
    torchvision: bool = False


_MNIST = (1, 28, 28)
_CIFAR = (3, 32, 32)


def _photographs(make: Callable[..., nn.Module], description: str) -> Network:
    """Return a network of torchvision, with its names of weights."""
    return Network(make, (3, 224, 224), f"{description}; weights as in torchvision", 1000, CLASSES, True)


_NETWORKS = {
    "compact-mnist": Network(
        compact.compact, _MNIST, "16 thousand parameters; batch norm, dropout, 1x1 convolution"
    ),
    "conv-autoencoder": Network(
        autoencoder.conv_autoencoder, _MNIST, "images of 28x28 from a code of 4x7x7", 0, IMAGES
    ),
    "densenet-bc-cifar": Network(densenet.densenet_bc_cifar, _CIFAR, "DenseNet-BC of 40 layers, growth 12"),
    "list-cifar": Network(shallow.shallow, _CIFAR, "one 5x5 convolution and one linear layer"),
    "mobilenet-v2-cifar": Network(mobilenet.mobilenet_v2_cifar, _CIFAR, "MobileNetV2 with three strides"),
    "plain-mnist-bn-relu": Network(
        residual.plain_bn_relu, _MNIST, "five strided convolutions -> batch norm -> ReLU"
    ),
    "plain-mnist-relu-bn": Network(
        residual.plain_relu_bn, _MNIST, "five strided convolutions -> ReLU -> batch norm"
    ),
    "position-bias-mnist": Network(
        position_bias.position_bias, _MNIST, "a bias for each position; overlapping pools"
    ),
    "residual-cifar": Network(
        residual_cifar.residual_cifar, _CIFAR, "nine layers in three stages, with residual blocks"
    ),
    "residual-mnist": Network(residual.residual, _MNIST, "five strided convolutions with residual blocks"),
    "resnet-cifar": Network(resnet.resnet_cifar, _CIFAR, "ResNet-20: blocks with projections; no chain"),
    "resnet18-cifar": Network(resnet.resnet18_cifar, _CIFAR, "ResNet-18 with a 3x3 stem and no pool"),
    "resnet20-cifar": Network(resnet.resnet20_cifar, _CIFAR, "ResNet-20: shortcuts without parameters"),
    "spec-lenet": Network(lenet.lenet, _MNIST, "LeNet with 5x5 convolutions, from the text format"),
    "squeezenet-cifar": Network(squeezenet.squeezenet_cifar, _CIFAR, "six fire modules with batch norm"),
    "unet": Network(
        unet.unet, (3, 128, 128), "U-Net of five levels with batch norm: logits of each pixel", 2, PIXELS
    ),
    "unet-scenes": Network(
        unet.unet_scenes, (1, 64, 64), "U-Net of four levels with 8 to 64 channels", 11, PIXELS
    ),
    "vgg11-bn-cifar": Network(vgg.vgg11_bn_cifar, _CIFAR, "VGG-11 with batch norm and one linear layer"),
    "convnext_tiny": _photographs(
        convnext.convnext_tiny, "ConvNeXt-T: layer norm, layer scale, stochastic depth"
    ),
    "densenet121": _photographs(densenet.densenet121, "DenseNet of 121 layers, growth 32"),
    "efficientnet_b0": _photographs(
        efficientnet.efficientnet_b0, "EfficientNet-B0: squeeze-and-excitation, stochastic depth"
    ),
    "mobilenet_v2": _photographs(mobilenet.mobilenet_v2, "MobileNetV2"),
    "resnet18": _photographs(resnet.resnet18, "ResNet-18"),
    "resnet34": _photographs(resnet.resnet34, "ResNet-34"),
    "resnet50": _photographs(resnet.resnet50, "ResNet-50"),
    "shufflenet_v2_x1_0": _photographs(shufflenet.shufflenet_v2_x1_0, "ShuffleNetV2"),
    "squeezenet1_1": _photographs(squeezenet.squeezenet1_1, "SqueezeNet 1.1"),
    "vgg11_bn": _photographs(vgg.vgg11_bn, "VGG-11 with batch norm"),
}


def names() -> tuple[str, ...]:
    """Return the names that `build` knows."""
    return tuple(_NETWORKS)


def find(name: str) -> Network:
    """Return the network of that name.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    if not isinstance(name, str):
        raise DTypeError(f"zoo: name must be a str, got {name!r}")
    if name not in _NETWORKS:
        hint = suggestion(name, _NETWORKS)
        raise ArgumentError(f"zoo: no network is called {name!r}{hint}; there is {', '.join(_NETWORKS)}")
    return _NETWORKS[name]


def build(
    name: str,
    seed: int | None = None,
    *,
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int | None = None,
    **options: Any,
) -> nn.Module:
    """Make a network of the zoo with fresh weights; what it returns `find` says (`Network.output`).

    Parameters
    ----------
    name : str
        One of `names`.
    seed : int, optional
        Of the weights and of dropout: the same seed gives the same network. Default: weights from the
        stream that `fastcnn.manual_seed` seeds.
    input_shape : (C, H, W), optional
        Of the images. Default: those that the network was made for.
    num_classes : int, optional
        Default: those of the data that the network was made for, 1000 of torchvision's networks, 2 of "unet",
        and 10 of others. What makes images has none.
    **options
        Of the network itself: ``dense=True`` of "residual-mnist".

    Raises
    ------
    ArgumentError
        If there is no such network or option, images of that shape do not fit it, or it has no classes.
    """
    network = find(name)
    shape = network.input_shape if input_shape is None else input_shape
    if not isinstance(shape, tuple | list) or len(shape) != 3:
        raise ShapeError(f"zoo.build: input_shape must be (C, H, W), got {shape!r}")
    sizes = tuple(integer(size, "zoo.build: input_shape", 1) for size in shape)
    if network.output == IMAGES and num_classes is not None:
        raise ArgumentError(f"zoo.build: {name} makes images: num_classes must be None, got {num_classes!r}")
    given = network.num_classes if num_classes is None else num_classes
    classes = () if network.output == IMAGES else (integer(given, "zoo.build: num_classes", 1),)
    unknown = options.keys() - inspect.signature(network.make).parameters
    if unknown:
        raise ArgumentError(f"zoo.build: {name} has no option {', '.join(sorted(unknown))}")
    try:
        model = network.make(sizes, *classes, **options)
    except FastcnnError as error:
        raise ShapeError(f"zoo.build: {name} does not fit images of {sizes}: {error}") from error
    check_output(model, sizes, *classes, what=name, output=network.output)
    model.name = name  # which titles its summary
    if seed is not None:
        model.initialize(seed=seed).reseed(seed)
    return model


def check_logits(model: nn.Module, input_shape: tuple[int, ...], num_classes: int, what: str) -> None:
    """Raise ShapeError unless `model` makes one logit a class of an image; `what` opens the message."""
    check_output(model, input_shape, num_classes, what=what)


def check_output(
    model: nn.Module,
    input_shape: tuple[int, ...],
    num_classes: int = 0,
    *,
    what: str,
    output: str = CLASSES,
) -> None:
    """Raise ShapeError unless `model` makes of an image what it should.

    Parameters
    ----------
    model : Module
    input_shape : (C, H, W)
    num_classes : int
    what : str
        Opens the message.
    output : str
        As of `Network`.
    """
    shape = tuple(input_shape)
    needed, reason = {
        CLASSES: ((num_classes,), f"{num_classes} classes need"),
        PIXELS: ((num_classes, *shape[1:]), f"{num_classes} classes of each pixel need"),
        IMAGES: (shape, "such an image again needs"),
    }[output]
    try:
        made = model.output_shape((1, *shape))[1:]
    except ShapeError as error:
        raise ShapeError(f"{what} does not fit images of {shape}: {error}") from error
    if made != needed:
        raise ShapeError(
            f"{what} makes {_sizes(made)} outputs of an image of {shape}; {reason} {_sizes(needed)}"
        )


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
