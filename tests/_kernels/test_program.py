"""Programs: what is refused before anything runs."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels


def test_keys_must_have_an_element():
    program = kernels.Program(4, 16, [], [], [])
    with pytest.raises(ValueError, match="keys must have an element"):
        program.run(1, np.zeros(0, np.uint64), 0, 0, 1, ())
    program.run(1, np.zeros(1, np.uint64), 0, 0, 1, ())


@pytest.mark.parametrize("phases", [(0, 1), (1, 0), (-1, 0)])
def test_phases_must_exist(phases):
    program = kernels.Program(4, 16, [], [], [])
    with pytest.raises(IndexError, match="no phases"):
        program.run(1, np.zeros(1, np.uint64), *phases, 1, ())


def test_arrays_must_be_as_many_as_externals():
    program = kernels.Program(4, 16, [], [], [])
    with pytest.raises(ValueError, match="1 arrays for 0 externals"):
        program.run(1, np.zeros(1, np.uint64), 0, 0, 1, (np.zeros(1, np.float32),))
