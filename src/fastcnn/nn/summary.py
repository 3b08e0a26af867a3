"""A table of a model's layers: what each makes of its input, what it costs, how much of the image it sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._samples import one_or_all
from . import calls, prediction
from .passive import observe
from .sample import check_shapes, zeros
from .summary_figures import Figures
from .summary_rows import Rows
from .summary_table import as_html, render
from .tree import Tree


class Summary(Figures):
    """The rows of a model and its totals, which it can show; see `Figures`."""

    def _repr_html_(self) -> str:
        return as_html(self)

    def text(self, columns: Sequence[str] | None = None) -> str:
        """Return the table as text; see `show`."""
        return self.show("text", columns)

    def show(self, format: str = "text", columns: Sequence[str] | None = None) -> str:
        """Return the table.

        Parameters
        ----------
        format : "text", "markdown" or "json"
        columns : sequence of str, optional
            Among layer, name, type, input, output, parameters, trainable, macs, receptive_field, jump_in,
            jump_out. Default: those that 120 characters hold. JSON has always everything.

        Raises
        ------
        ArgumentError
            If there is no such format or column.
        """
        return SummaryText(self, columns) if format == "text" else render(self, format, columns)


class SummaryText(str):
    """A summary as text, which notebooks show as a table where it is the value of a cell."""

    __slots__ = ("_columns", "_summary")
    _summary: Summary
    _columns: Sequence[str] | None

    def __new__(cls, summary: Summary, columns: Sequence[str] | None = None) -> SummaryText:
        """Return the text of a summary; see `Summary.show`."""
        text = super().__new__(cls, render(summary, "text", columns))
        text._summary, text._columns = summary, columns
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._summary, self._columns)

    def _repr_html_(self) -> str:
        return as_html(self._summary, self._columns)


def summarize(
    model: Tree[Any],
    input_shape: tuple[int, ...] | Sequence[tuple[int, ...]],
    *,
    optimizer: Any = None,
    loss: Any = None,
    name: str = "",
) -> Summary:
    """Run one zero sample of `input_shape` (C, H, W) through `model` and describe each layer.

    Parameters
    ----------
    model : Module
    input_shape : (C, H, W), or list of shapes
        Of several inputs a list, such as ``[(1, 28, 28), (10,)]``.
    optimizer : Optimizer, optional
        Shown with its settings.
    loss : Loss, optional
        The same.
    name : str
        Title of the table. Default: the model's ``name`` if it has one (`fastcnn.zoo.build` gives it one),
        else its class.

    Raises
    ------
    ShapeError
        If input_shape is not a tuple of sizes or a list of such tuples, or does not fit the model.
    DTypeError
        If forward takes another number of inputs.
    """
    shapes = check_shapes(input_shape, "summary: input_shape", "a tuple such as (C, H, W)", 1)
    sample = zeros(model, shapes, "summary: the sample")
    rows = Rows(model, sample)
    with calls.watched(rows.operation):
        prediction.call(lambda *inputs: observe(model, inputs, rows.module), sample, model)
    own_name = getattr(model, "name", None)
    return Summary(
        name or (own_name if isinstance(own_name, str) else type(model).__name__),
        one_or_all(shapes),
        rows.layers,
        sum(p.size for p in model.parameters()),
        model.num_parameters(),
        sum(rows.outputs.values()),
        None if optimizer is None else _describe_optimizer(optimizer),
        None if loss is None else {"type": type(loss).__name__, **_settings(vars(loss))},
    )


def _describe_optimizer(optimizer: Any) -> dict[str, Any]:
    groups = [
        {
            "parameters": sum(p.size for p in group["params"]),
            # Schedulers keep notes of their own in a group.
            **_settings({key: group[key] for key in optimizer.defaults if key in group}),
        }
        for group in optimizer.param_groups
    ]
    return {"type": optimizer._name, "groups": groups}


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    """Return what can be set, as plain values."""
    return {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in values.items()
        if not key.startswith("_") and key != "training" and value is not None
    }
