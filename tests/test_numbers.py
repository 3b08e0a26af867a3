"""docs/numbers.md is true: each cell of its tables is computed, eagerly, compiled and in each precision."""

import re
from pathlib import Path

import numpy as np
import pytest

from fastcnn._kernels import cpu
from fastcnn.engine import choose
from fastcnn.engine.tracing import UnsupportedError
from fastcnn.graph.bfloat16 import rounded

from . import numbers
from ._kernels.helpers import flushing
from .numbers import ARRAY_LOSSES, COLUMNS, DY, GRADIENTS, LOSSES, ORDINARY, STEPS, VALUES

PAGE = Path(__file__).parent.parent / "docs" / "numbers.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="not run from the source tree")

HOWS = ("eager", "images", "channels")
NAMES = {
    "values": {"0": 0, "1": 1, "-1": -1, "0.5": ORDINARY},
    "gradients": {"0": 0, "dy": DY, "dy/2": DY / 2, "dy/4": DY / 4},
    "losses": {"0": 0, "-1": -1},
    "steps": {"unchanged": ORDINARY},
}


def tables():
    """Return the cells of each table, by heading, row and column."""
    found, heading = {}, ""
    for line in PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else ():
        heading = line[3:].lower() if line.startswith("## ") else heading
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 1 + len(COLUMNS) and cells[0] and not set(cells[0]) <= set("-:"):
            found.setdefault(heading, {})[cells[0].replace("`", "")] = dict(
                zip(COLUMNS, (set(cell.split(" or ")) for cell in cells[1:]), strict=True)
            )
    return found


TABLES = tables()


def words(values, as_zero, given, column, dtype, names):
    """Return how the page calls each of these values; `given` went in, and `as_zero` is what 0 gives."""
    found = set()
    for value, other in zip(np.ravel(values).tolist(), np.ravel(as_zero).tolist(), strict=True):
        if not np.isfinite(value):
            found.add({np.inf: "inf", -np.inf: "-inf"}.get(value, "NaN"))
        elif column.startswith("denormal"):
            tiny = 0 < abs(value) < np.finfo(dtype).tiny
            found.add("denormal" if tiny else "as 0" if abs(value - other) <= 1e-5 * abs(other) else "finite")
        elif value == given:
            found.add("x")
        else:
            found.add(next((name for name, known in names.items() if value == known), "finite"))
    return found


def circumstances(column):
    """Return the types, and whether denormals are flushed, that a column is about."""
    kinds = {"denormal": [(np.float32, True)], "denormal, kept": [(np.float32, False), (np.float64, True)]}
    return kinds.get(column, [(np.float32, True), (np.float64, True)])


def found_words(compute, column, names):
    """Return all words for what a function of (column, dtype) computes."""
    found = set()
    for dtype, mode in circumstances(column):
        with flushing(mode):
            given = numbers.number(column, dtype)
            found |= words(compute(column, dtype), compute("0", dtype), given, column, dtype, names)
    return found


def words_in(precision, compute, column, names):
    """Return all words for what a function computes in a precision that float32 alone has."""
    with flushing(column != "denormal, kept"):
        given = np.array(numbers.number(column, np.float32), np.float32)
        given = rounded(given) if precision == "medium" else given
        arrays = compute(column, np.float32), compute("0", np.float32)
        return words(*arrays, float(given), column, np.float32, names)


def cell_in(precision, heading, row, column):
    """Return what the page says of a cell in a precision: bfloat16 has no denormal numbers."""
    if precision != "medium":
        return TABLES[heading][row][column]
    cell = TABLES[heading][row]["denormal" if column == "denormal, kept" else column]
    return {"as 0" if word == "denormal" else word for word in cell}


def assert_cell(heading, row, column, found):
    assert TABLES[heading][row][column] == found, f"{heading}: {row}, {column}"


def rows(heading, table):
    return [pytest.param(name, row, heading, id=f"{heading}: {name}") for name, row in table.items()]


@pytest.mark.parametrize(("name", "row", "heading"), rows("values", VALUES) + rows("gradients", GRADIENTS))
def test_operations(name, row, heading):
    for column in COLUMNS:
        found, ran = set(), set()
        for how in HOWS:
            try:
                found |= found_words(
                    lambda c, t, how=how: numbers.run(row, c, t, how, heading == "gradients"),
                    column,
                    NAMES[heading],
                )
                ran.add(how)
            except UnsupportedError:
                assert how != "eager"
        assert_cell(heading, name, column, found)
        assert ("eager" in name) == (ran == {"eager"}), name


@pytest.mark.parametrize("precision", ["high", "medium"])
@pytest.mark.parametrize(("name", "row", "heading"), rows("values", VALUES) + rows("gradients", GRADIENTS))
def test_operations_in_other_precisions(name, row, heading, precision, monkeypatch):
    monkeypatch.setattr(cpu, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(choose, "narrow_pays", lambda graph, training: True)
    gradient = heading == "gradients"
    for column in COLUMNS:
        expected = cell_in(precision, heading, name, column)
        # Of bfloat16 there are programs with channels in the lanes alone.
        for how in HOWS if precision == "high" else ("eager", "channels"):
            try:
                found = words_in(
                    precision,
                    lambda c, t, how=how: numbers.run(row, c, t, how, gradient, precision),
                    column,
                    NAMES[heading],
                )
            except UnsupportedError:
                continue
            assert found <= expected, (column, how)


@pytest.mark.parametrize("precision", ["high", "medium"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_in_other_precisions(name, precision, monkeypatch):
    monkeypatch.setattr(cpu, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(choose, "narrow_pays", lambda graph, training: True)
    for column in COLUMNS:
        found = words_in(
            precision,
            lambda c, t: LOSSES[name].run(c, t, "channels", precision)[0],
            column,
            NAMES["losses"],
        )
        assert found <= cell_in(precision, "losses", name, column), column


@pytest.mark.parametrize("name", [*LOSSES, *ARRAY_LOSSES])
def test_losses(name):
    for column in COLUMNS:
        loss, grad = set(), set()
        for how in HOWS if name in LOSSES else ("eager",):
            compute = (
                (lambda c, t, how=how: LOSSES[name].run(c, t, how)) if name in LOSSES else ARRAY_LOSSES[name]
            )
            loss |= found_words(lambda c, t, compute=compute: compute(c, t)[0], column, NAMES["losses"])
            if how == "eager":
                grad |= found_words(lambda c, t, compute=compute: compute(c, t)[1], column, NAMES["losses"])
        assert_cell("losses", name, column, loss)
        assert_cell("losses", f"{name}: gradient", column, grad)


@pytest.mark.parametrize("name", STEPS)
def test_steps(name):
    for column in COLUMNS:
        for end, part in (("", slice(1, 2)), (": the others", slice(0, 3, 2))):
            found = found_words(lambda c, t, part=part: STEPS[name].run(c, t)[part], column, NAMES["steps"])
            assert_cell("steps", name + end, column, found)


def test_the_page_has_these_rows_and_no_other():
    named = {
        "values": set(VALUES),
        "gradients": set(GRADIENTS),
        "losses": {n + end for n in (*LOSSES, *ARRAY_LOSSES) for end in ("", ": gradient")},
        "steps": {n + end for n in STEPS for end in ("", ": the others")},
    }
    assert {heading: set(table) for heading, table in TABLES.items()} == named
