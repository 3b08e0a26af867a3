"""Element types: what values are stored as, summed in and counted with."""

import numpy as np
import pytest

from fastcnn._kernels import cpu
from fastcnn.engine.elements import ElementType


@pytest.mark.parametrize(("name", "index"), [("float32", "int32"), ("float64", "int64")])
def test_types_of_a_programs_numbers(isa, name, index):
    element = ElementType.of(np.dtype(name))
    assert element.name == name
    assert element.value == element.real == np.dtype(name)
    assert element.index == np.dtype(index)
    assert element.lanes == cpu.vector_bytes() // element.real.itemsize
    assert element == ElementType.of(np.dtype(name))
    declared = ("VALUE", "REAL", "INDEX", "INT64", "FLOAT64")
    expected = [name, name, index, "int64", "float64"]
    assert [element.dtype(each) for each in declared] == [np.dtype(each) for each in expected]


@pytest.mark.parametrize("name", ["float16", "int32", "complex64"])
def test_types_without_kernels(name):
    with pytest.raises(ValueError, match=f"^there are no kernels for elements of the type '{name}'$"):
        ElementType.of(np.dtype(name))
