"""What the images were like that a network was trained on: other images must become like them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import Dataset, catalog
from ..data.values import BYTES, Range, border_levels, check_holds, check_range, from_unit, holds, to_unit
from ..errors import DataError

# Images whose borders tell the background of a data set.
_SAMPLE = 1000
# How near to black or white the borders of most images must be for that to be their background.
_DARK, _LIGHT = 0.4, 0.6


@dataclass(frozen=True)
class ImageFacts:
    """What is known of training images; `of` and `read` make it.

    Attributes
    ----------
    dtype : {"uint8", "float32"}
    smallest, largest : float
        Among all values.
    value_range : (float, float) or None
        The values of black and white; None: not known.
    borders : (float, float, float)
        How light the images are around the edge: the tenth part from below, the median, and the tenth part
        from above.
    white : float or None
        The value of white in pictures with more than 8 bits, if it was said.
    recorded : bool
        False: the file does not tell, and they are taken for bytes.
    """

    dtype: str
    smallest: float
    largest: float
    value_range: Range | None
    borders: tuple[float, float, float]
    white: float | None = None
    recorded: bool = True

    @classmethod
    def of(cls, train: Dataset, white: float | None = None) -> ImageFacts:
        """Look at training images."""
        images = train.images
        sample = images[:: max(1, len(images) // _SAMPLE)][:_SAMPLE]
        low, median, high = np.quantile(border_levels(sample), [0.1, 0.5, 0.9])
        return cls(
            images.dtype.name,
            float(images.min()),
            float(images.max()),
            train.value_range,
            (float(low), float(median), float(high)),
            white,
        )

    @classmethod
    def assumed(cls, background: float, dataset: str) -> ImageFacts:
        """Return what an older file of weights leaves to assume, that only says how light the border is."""
        is_pictures = dataset in catalog.SOURCES or os.path.isdir(dataset)
        if not 0 <= background <= 1:
            return cls("float32", background, background, None, (background,) * 3, recorded=False)
        level = 255 * background
        return cls("uint8", 0, 255, BYTES, (level, level, level), recorded=is_pictures)

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> ImageFacts:
        """Return what `to_dict` has written.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is damaged.
        """
        value_range, white = table["value_range"], table["white"]
        if value_range is not None:
            black, light = map(float, value_range)
            if not black < light:
                raise ValueError(f"value_range {value_range!r}")
            value_range = black, light
        low, median, high = (float(each) for each in table["borders"])
        if table["dtype"] not in ("uint8", "float32"):
            raise ValueError(f"dtype {table['dtype']!r}")
        return cls(
            table["dtype"],
            float(table["smallest"]),
            float(table["largest"]),
            value_range,
            (low, median, high),
            None if white is None else float(white),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        table = dataclasses.asdict(self)
        del table["recorded"]
        return table

    def with_range(self, value_range: object, what: str) -> ImageFacts:
        """Return a copy with other values of black and white; `what` opens the error.

        Raises
        ------
        ArgumentError, DTypeError
            If it is no range, or one that the training images cannot have had.
        """
        black_white = check_range(value_range, what)
        known = dataclasses.replace(self, value_range=black_white, recorded=True)
        if self.recorded:
            check_holds(black_white, self.smallest, self.largest, self.dtype, what)
        if self.recorded or self.dtype == "float32":
            return known
        # Somebody knows that these were no bytes: then they were floats, and so is the level of the border.
        low, median, high = (level / 255 for level in self.borders)
        return dataclasses.replace(known, dtype="float32", borders=(low, median, high))

    def like_pictures(self, value_range: object, what: str, sure: bool) -> ImageFacts:
        """Return what the same pictures are like with other values of black and white.

        For a network that does not tell its images: these are those of a recipe, and somebody knows better.

        Parameters
        ----------
        value_range : (float, float)
        what : str
            Opens the error.
        sure : bool
            Whether the recipe was made for this data set: then its images stay what they are if they can have
            that range.
        """
        black_white = check_range(value_range, what)
        if self.value_range is None or (sure and holds(black_white, self.smallest, self.largest, self.dtype)):
            return dataclasses.replace(self, value_range=black_white)
        levels = np.array([self.smallest, self.largest, *self.borders])
        smallest, largest, *borders = from_unit(to_unit(levels, self.value_range), black_white).tolist()
        return ImageFacts("float32", smallest, largest, black_white, tuple(borders), self.white)

    @property
    def background(self) -> float:
        """How light the border is, from 0 (black) to 1 (white); in the images' own units if not known."""
        level = self.borders[1]
        return level if self.value_range is None else float(to_unit(np.array(level), self.value_range))

    @property
    def polarity(self) -> str:
        """ "light on dark", "dark on light" or, where the borders differ, "mixed"."""
        if self.value_range is None:
            return "mixed"
        low, _, high = to_unit(np.array(self.borders), self.value_range)
        return "light on dark" if high <= _DARK else "dark on light" if low >= _LIGHT else "mixed"

    @property
    def _unit(self) -> float:
        """What a value is divided by before it is normalised, see `fastcnn.data.transforms.Normalize`."""
        return 255.0 if self.dtype == "uint8" else 1.0

    def describe(self) -> str:
        """Return it in words."""
        values = f"{self.dtype} from {self.smallest:g} to {self.largest:g}"
        if self.value_range is None:
            return f"{values}, values of black and white not known"
        return f"{values}, black {self.value_range[0]:g}, white {self.value_range[1]:g}"

    def check_known(self, source: str) -> None:
        """Raise DataError if the values of black and white are not known."""
        if self.value_range is None:
            images = f"{self.dtype} images from {self.smallest:g} to {self.largest:g}"
            raise DataError(
                f"{source}: was trained on {images if self.recorded else 'images of its own'}, and which "
                f"values black and white had there is not known, so no other image can be made like them; "
                f"say it: --value-range BLACK WHITE (value_range=(black, white) in Python)"
            )

    def like_training(self, images: np.ndarray, value_range: Range, source: str) -> np.ndarray:
        """Return images as the network's normalisation takes them: float32, unless they are so already.

        Parameters
        ----------
        images : uint8 or float32 (N, C, H, W)
        value_range : (float, float)
            Their values of black and white.
        source : str
            Opens the message of an error.

        Raises
        ------
        DataError
            If the values of the training images are not known.
        """
        if self.dtype == images.dtype.name and self.value_range == value_range:
            return images
        self.check_known(source)
        assert self.value_range is not None
        return from_unit(to_unit(images, value_range), self.value_range) / np.float32(self._unit)


class Prepare:
    """The normalisation of a trained network, for images of any type.

    Bytes are brought to the range of the training images where those were floats. Floats are taken as the
    training images, or from 0 to 1 if those were bytes; then larger ones are refused.

    Parameters
    ----------
    facts : ImageFacts
    normalize : callable
        The transform.
    """

    def __init__(self, facts: ImageFacts, normalize: Callable[[np.ndarray], np.ndarray]) -> None:
        self.facts = facts
        self.normalize = normalize

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return what the network takes."""
        facts = self.facts
        if images.dtype == np.uint8 and facts.dtype == "float32":
            images = facts.like_training(images, BYTES, "the network")
        elif images.dtype != np.uint8 and facts.dtype == "uint8" and facts.recorded and images.size:
            low, high = float(images.min()), float(images.max())
            if low < -1 or high > 2:
                raise DataError(
                    f"the network was trained on uint8 images and takes those, or numbers from 0 to 1, but "
                    f"these are {images.dtype} from {low:g} to {high:g}: Classifier.prepare brings them there"
                )
        return self.normalize(images)
