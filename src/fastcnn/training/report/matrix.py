"""A confusion matrix with the names of its classes: as text, as a table in notebooks, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ... import _html
from .. import metrics
from .confusion import MOST_NUMBERS, plot_confusion, said_of, shares_of
from .figure import class_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Of more classes than a matrix has room for, so many mistakes are listed.
_MOST_MISTAKES = 20
_LONGEST_NAME = 20
# The colours of `plot_confusion`, over those of the page.
_GREEN, _RED, _FULL = "35, 139, 69", "203, 24, 29", 0.6


class ConfusionMatrix:
    """How often each class was taken for each, to be looked at.

    Its text is a table, notebooks show one in colours: what is right green by its share of the class, what is
    wrong red on a scale of its own. Of more than 25 classes both list the most frequent mistakes instead.

    Parameters
    ----------
    confusion : array (K, K)
        Row: true class; column: predicted class. As ``Trainer.evaluate(...)["confusion"]`` and
        `fastcnn.training.metrics.confusion_matrix` have it.
    classes : sequence of K str, optional
        Their names. Default: their numbers.

    Attributes
    ----------
    confusion : ndarray (K, K)
    classes : list of str

    Raises
    ------
    ArgumentError, ShapeError
        If the matrix is not square, or classes lack a name.

    Examples
    --------
    >>> report.ConfusionMatrix(trainer.evaluate(test)["confusion"], test.classes)
    """

    def __init__(self, confusion: object, classes: Sequence[str] | None = None) -> None:
        self.confusion = np.asarray(confusion)
        metrics.accuracy(self.confusion)  # raises where it is no matrix of classes
        self.classes = class_names(classes, len(self.confusion))

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw it; see `fastcnn.training.report.plot_confusion`."""
        return plot_confusion(self.confusion, self.classes, path)

    def __repr__(self) -> str:
        return f"ConfusionMatrix({len(self.classes)} classes, {said_of(self.confusion)})"

    def __str__(self) -> str:
        from ...nn.summary_table import aligned  # which training does without

        head, rows, right = self._table()
        return "\n".join([said_of(self.confusion), *aligned([head, *rows], right)])

    def _repr_html_(self) -> str:
        head, rows, right = self._table()
        shade = self._shade if len(self.classes) <= MOST_NUMBERS else lambda row, column: ""
        return _html.output(
            _html.paragraph(said_of(self.confusion)), _html.table(head, rows, right, shade=shade)
        )

    def _table(self) -> tuple[list[str], list[list[str]], list[bool]]:
        """Return heads and cells of the matrix or of the mistakes, and which columns are numbers."""
        names = [_html.shortened(name, _LONGEST_NAME) for name in self.classes]
        if len(names) <= MOST_NUMBERS:
            rows = [
                [name, *map(_number, row)] for name, row in zip(names, self.confusion.tolist(), strict=True)
            ]
            return ["true / predicted", *names], rows, [False] + [True] * len(names)
        wrong = np.where(np.eye(len(names), dtype=bool), 0, self.confusion)
        order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_MISTAKES]
        places = [divmod(int(place), len(names)) for place in order]
        shares, _ = shares_of(self.confusion)
        mistakes = [
            [names[true], names[taken], _number(wrong[true, taken].item()), f"{shares[true, taken]:.1%}"]
            for true, taken in places
            if wrong[true, taken] > 0
        ]
        return ["true", "taken for", "number", "of the class"], mistakes, [False, False, True, True]

    def _shade(self, row: int, column: int) -> str:
        if not column or not self.confusion[row, column - 1]:
            return ""
        shares, highest = shares_of(self.confusion)
        share = shares[row, column - 1]
        colour, share = (_GREEN, share) if row == column - 1 else (_RED, share / highest)
        return f"rgba({colour}, {_FULL * share:.2f})"


def _number(value: float) -> str:
    """Return a count, or a sum of weights; nothing for 0, so that mistakes are seen."""
    return f"{value:,}" if isinstance(value, int) and value else f"{value:.4g}" if value else ""
