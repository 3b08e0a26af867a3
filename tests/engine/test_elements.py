"""Element types: what values are stored as, summed in and counted with."""

import numpy as np
import pytest

from fastcnn._kernels import cpu
from fastcnn.engine.elements import ElementType


@pytest.mark.parametrize(("name", "index"), [("float32", "int32"), ("float64", "int64")])
def test_types_of_a_programs_numbers(isa, name, index):
    element = ElementType.of(name)
    assert element.name == name
    assert element.value == element.real == np.dtype(name)
    assert element.index == np.dtype(index)
    assert element.lanes == cpu.vector_bytes() // element.real.itemsize
    assert element == element.wide == ElementType.of(name)
    assert (element.narrow, element.terms) == (False, 1)
    declared = ("VALUE", "REAL", "INDEX", "INT64", "FLOAT64")
    expected = [name, name, index, "int64", "float64"]
    assert [element.dtype(each) for each in declared] == [np.dtype(each) for each in expected]


def test_bfloat16_is_stored_otherwise_than_it_is_summed(isa):
    element = ElementType.of("bfloat16")
    assert (element.value, element.real, element.index, element.terms) == (
        np.dtype(np.uint16),
        np.dtype(np.float32),
        np.dtype(np.int32),
        2,
    )
    assert element.narrow
    assert element.wide.name == "float32"
    assert not element.wide.narrow
    if cpu.get_isa("bfloat16") == cpu.get_isa():  # else vectors may be shorter than those of float32
        assert element.wide == ElementType.of("float32")


@pytest.mark.parametrize("name", ["float16", "int32", "complex64"])
def test_types_without_kernels(name):
    with pytest.raises(ValueError, match=f"^there are no kernels for elements of the type '{name}'$"):
        ElementType.of(name)
