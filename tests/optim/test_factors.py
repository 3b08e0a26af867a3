"""Steps with gradients that are products of two arrays: the same bits as with the products written out."""

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.nn.factored import FactoredGradient

OPTIMIZERS = {
    "SGD": lambda parameters: optim.SGD(parameters, lr=0.1),
    "momentum": lambda parameters: optim.SGD(parameters, 0.1, 0.9, weight_decay=0.01, nesterov=True),
    "Adam": lambda parameters: optim.Adam(parameters, lr=0.1, amsgrad=True),
    "AdamW": lambda parameters: optim.AdamW(parameters, lr=0.1),
    "RMSprop": lambda parameters: optim.RMSprop(parameters, lr=0.1, centered=True, momentum=0.5),
    "Adagrad": lambda parameters: optim.Adagrad(parameters, lr=0.1),
    "Adadelta": lambda parameters: optim.Adadelta(parameters, weight_decay=0.1),
    "NAdam": lambda parameters: optim.NAdam(parameters, lr=0.1),
    "RAdam": lambda parameters: optim.RAdam(parameters, lr=0.1),
    "Adamax": lambda parameters: optim.Adamax(parameters, lr=0.1),
    "Lion": lambda parameters: optim.Lion(parameters, lr=0.1),
    "Lookahead": lambda parameters: optim.Lookahead(optim.Adam(parameters, lr=0.1), 2),
    "Combined": lambda parameters: optim.Combined(
        [optim.Muon(parameters[1:], lr=0.1), optim.SGD(parameters[:1], lr=0.1)]
    ),
}
# More elements than one thread updates at a time, and rows that end within a piece.
SHAPE = (70, 333)


def steps(make, written, images, dtype=np.float32):
    rng = np.random.default_rng(images)
    parameters = [nn.Parameter(rng.standard_normal(shape).astype(dtype)) for shape in ((5,), SHAPE)]
    optimizer = make(parameters)
    for _ in range(3):
        parameters[0].grad = rng.standard_normal(5).astype(dtype)
        dy, x = (rng.standard_normal((images, size)).astype(dtype) for size in SHAPE)
        parameters[1]._grad = FactoredGradient(dy, x, SHAPE)
        if written:
            assert parameters[1].grad.shape == SHAPE
        optimizer.step()
        assert isinstance(parameters[1]._grad, np.ndarray if written else FactoredGradient)
    return [parameter.data for parameter in parameters]


@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_factors_give_the_bits_of_their_product(make, dtype, images):
    for one, two in zip(*(steps(make, written, images, dtype) for written in (False, True)), strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_update_of_ones_own_gets_arrays():
    class Sign(optim.SGD):
        def _update(self, pairs, dtype, group):
            for parameter, grad in pairs:
                parameter.data[...] -= group["lr"] * np.sign(grad)

    parameter = nn.Parameter(np.zeros((2, 2)))
    parameter._grad = FactoredGradient(np.array([[1.0, -1.0]]), np.array([[1.0, 2.0]]), (2, 2))
    Sign([parameter], lr=0.5).step()
    np.testing.assert_array_equal(parameter.data, [[-0.5, -0.5], [0.5, 0.5]])


def test_a_parameter_of_another_type_gets_an_array():
    parameter = nn.Parameter(np.zeros((2, 2)))
    dy, x = np.array([[1.0, -1.0]], np.float32), np.array([[1.0, 2.0]], np.float32)
    parameter._grad = FactoredGradient(dy, x, (2, 2))
    optim.SGD([parameter], lr=1.0).step()
    np.testing.assert_array_equal(parameter.data, [[-1, -2], [1, 2]])
