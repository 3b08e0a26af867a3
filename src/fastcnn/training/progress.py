"""The progress bar of an epoch."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from .._bars import new_bar
from .._streams import steady
from .tasks import figure_of, main_of

_FORMAT = "{desc} {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"
# Where nobody knows how many images there are.
_ENDLESS = "{desc} {n_fmt} images [{elapsed}]{postfix}"
# Seconds between two updates: formatting costs more than a step on a single small image does.
_INTERVAL = 0.2


def figures_of(row: Mapping[str, float]) -> list[str]:
    """Return the loss and the main metric of an epoch, of training and validation, as text."""
    main = main_of(row)
    names = [name for prefix in ("", "val_") for name in (f"{prefix}loss", f"{prefix}{main}")]
    return [f"{name} {figure_of(name, row[name])}" for name in names if name in row]


def describe(row: Mapping[str, float]) -> str:
    """Return the metrics of an epoch in one line."""
    return ", ".join([*figures_of(row), f"{row['images_per_second']:,.0f} images/s"])


class EpochBar:
    """A bar over the images of one epoch; where nobody would see it, a line on the standard error at its end.

    Parameters
    ----------
    label : str
        What stands before it.
    images : int or None
        Number of images of the epoch; None: nobody knows.
    enabled : bool
        Whether anything is shown.
    done : int
        How many of them another process has done.
    """

    def __init__(self, label: str, images: int | None, enabled: bool, done: int = 0) -> None:
        self._screen = steady(sys.stderr)
        self._label = label
        shape = _ENDLESS if images is None else _FORMAT
        self._bar = new_bar(images, label, enabled, bar_format=shape, mininterval=0, dynamic_ncols=True)
        self._line = enabled and self._bar.disable
        self._start = self._shown = time.perf_counter()
        self._pending = self._done = done

    def advance(self, images: int, means: Mapping[str, float]) -> None:
        """Count so many more images as done; now and then, show that and the metrics so far."""
        self._pending += images
        now = time.perf_counter()
        if self._bar.disable or now - self._shown < _INTERVAL:
            return
        self._shown = now
        rate = (self._bar.n + self._pending - self._done) / (now - self._start)
        self._bar.set_postfix_str(describe({**means, "images_per_second": rate}), refresh=False)
        self._bar.update(self._pending)
        self._pending = 0

    def finish(self, row: Mapping[str, float]) -> None:
        """Show the metrics of the whole epoch."""
        if self._line:
            line = f"{self._label}: {describe(row)}, {row['seconds']:.1f} s"
            print(line, file=self._screen, flush=True)
        elif not self._bar.disable:
            # Closing the bar draws it.
            self._bar.set_postfix_str(describe(row), refresh=False)
            self._bar.n = self._bar.total or self._bar.n + self._pending

    def close(self) -> None:
        """Leave the bar as it is and go to the next line."""
        self._bar.close()
