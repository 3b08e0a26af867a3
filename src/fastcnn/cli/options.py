"""Options that several commands have."""

from __future__ import annotations

import argparse

from .._precision import PRECISIONS

# Those of fastcnn.data.layout and datasets, which would take their time to import.
_LAYOUTS = ("NCHW", "NHWC", "NHW")
_TARGETS = ("images",)


def add_dataset(parser: argparse.ArgumentParser, default: str = "the recipe's") -> None:
    """Add --dataset and --data."""
    parser.add_argument(
        "--dataset",
        help="a data set by name (see fastcnn datasets), an .npz file, or a folder of pictures; "
        f"default: {default}",
    )
    add_data(parser)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add --data."""
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder with the official files of the data set; default: the cache, see fastcnn datasets",
    )


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add --layout and the other options that say how files of one's own are read."""
    parser.add_argument(
        "--layout",
        choices=_LAYOUTS,
        help="order of the axes of the images in an .npz file; default: NCHW",
    )
    add_range(parser, "the images in an .npz file; default: found from their smallest and largest value")
    add_white(parser)
    parser.add_argument(
        "--resize",
        type=_size,
        metavar="SIZE",
        help="bring pictures of many sizes to one: 64 makes the shorter side 64 and cuts the middle out, "
        "a square; 48x64 is height and width, whatever the picture's ratio",
    )
    parser.add_argument(
        "--targets",
        choices=_TARGETS,
        help="what the network is to make, if not what the labels say: the images themselves",
    )
    _add_masks(parser)


def _add_masks(parser: argparse.ArgumentParser) -> None:
    """Add --masks, --classes and --ignore-index."""
    parser.add_argument(
        "--masks",
        metavar="NAME",
        help="name of the folder of masks beside that of the pictures; default: masks, if it is there beside "
        "images",
    )
    parser.add_argument(
        "--classes",
        type=_names,
        metavar="NAME,...",
        help="the classes in masks, from 0; default: the lines of classes.txt in the folder, or numbers",
    )
    parser.add_argument(
        "--ignore-index",
        type=int,
        metavar="N",
        help="value of pixels in masks that do not count; default: 255 beside smaller numbers of classes",
    )


def add_range(parser: argparse.ArgumentParser, where: str) -> None:
    """Add --value-range."""
    parser.add_argument(
        "--value-range",
        nargs=2,
        type=float,
        metavar=("BLACK", "WHITE"),
        help=f"values of black and white in {where}",
    )


def add_white(parser: argparse.ArgumentParser) -> None:
    """Add --white."""
    parser.add_argument(
        "--white",
        type=float,
        metavar="N",
        help="value of white in pictures with more than 8 bits, such as 4095 for 12 bits in a 16-bit file",
    )


def add_validation(parser: argparse.ArgumentParser) -> None:
    """Add --validation."""
    parser.add_argument(
        "--validation",
        type=_share,
        metavar="N",
        help="training images kept apart to choose the best epoch: a number, or a fraction such as 0.2 or "
        "20%%; 0: none. A data set with validation images of its own keeps those",
    )


def _size(text: str) -> int | list[int]:
    """Return one size, or height and width."""
    words = text.lower().split("x")
    if len(words) > 2 or not all(word.isdecimal() and int(word) for word in words):
        raise argparse.ArgumentTypeError(
            f"must be the shorter side such as 64, or height and width such as 48x64, got {text!r}"
        )
    numbers = [int(word) for word in words]
    return numbers if len(numbers) == 2 else numbers[0]


def _names(text: str) -> list[str]:
    """Return the names between commas."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"must be names with commas between them, got {text!r}")
    return names


def _share(text: str) -> int | float:
    """Return a number of images, or a fraction of them, which may be said in percent."""
    try:
        if text.isdecimal():
            return int(text)
        number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
        if 0 <= number < 1:
            return number
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(
        f"must be a number of images such as 1000, or a fraction below 1 such as 0.2 or 20%, got {text!r}"
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the network that a command is about, and --input."""
    parser.add_argument(
        "model", metavar="MODEL", help="what train takes as RECIPE, a file of weights, or an .onnx file"
    )
    parser.add_argument(
        "--input",
        metavar="C,H,W",
        help="shape of the images; default: those of the recipe's data set, or of the file",
    )


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add --recipe."""
    parser.add_argument(
        "--recipe", help="what train takes as RECIPE: for weights that do not say which network they are of"
    )


def add_tta(parser: argparse.ArgumentParser) -> None:
    """Add --tta."""
    parser.add_argument(
        "--tta",
        metavar="VIEWS",
        help="take the mean of the logits over views of each image: flip, shift=PIXELS, or flip,shift=PIXELS",
    )


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add --precision and --threads."""
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="of float32 products; default: what the recipe or the run says, or else high: faster than "
        "highest, which is sums of products alone, with errors of some 1e-6; medium stores values as "
        "bfloat16, with errors of some 1%%",
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="how many; default: all cores; the result is the same"
    )
