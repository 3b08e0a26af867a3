"""Every network of the zoo as an ONNX file: ONNX Runtime gives fastcnn's answers, and it is read again."""

import numpy as np
import pytest

import fastcnn
from fastcnn import onnx, zoo

from .running import runtime, samples

# Of the networks for 224x224 smaller images are enough, of which the last maps have several pixels; but for
# that which divides its last maps into 7x7.
SMALLER = (3, 96, 96)
WHOLE = "vgg11_bn"


def shape_of(name):
    """Return the shape of the samples that a network is tried with."""
    shape = zoo.find(name).input_shape
    return SMALLER if shape[1:] == (224, 224) and name != WHOLE else shape


@pytest.fixture(params=["highest", "high"])
def precision(request):
    """Set the precision of products."""
    before = fastcnn.get_float32_matmul_precision()
    fastcnn.set_float32_matmul_precision(request.param)
    yield request.param
    fastcnn.set_float32_matmul_precision(before)


@pytest.mark.parametrize("name", zoo.names())
def test_network(tmp_path, precision, name):
    shape = shape_of(name)
    options = {"hidden": 64} if name == WHOLE else {}
    model = zoo.build(name, input_shape=shape, **options).eval()
    for each in model.modules():  # weights that are drawn give logits near 0 in deep networks
        if hasattr(each, "running_var") and each.running_var is not None:
            each.running_var[...] = 0.5
    path, x = tmp_path / "model.onnx", samples(shape, 2)
    onnx.export(model, path, shape)
    want = model.predict(x)
    near = 1e-5 if precision == "highest" else 1e-4
    np.testing.assert_allclose(runtime(path, x), want, near, near * max(1, np.abs(want).max()))
    again = onnx.load(path)
    # One that takes means by another operation may round otherwise.
    np.testing.assert_allclose(again.predict(x), want, 1e-6, 1e-6 * max(1, np.abs(want).max()))
    assert again.state_dict().keys() == model.state_dict().keys()
