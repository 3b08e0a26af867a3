import ast

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError

from .networks import make, shape_of


def made(source, name="model"):
    """Run source that was written here, and check that it makes layers and nothing else."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert all(isinstance(call, ast.Attribute) and call.value.id == "nn" for call in calls)
    namespace = {}
    exec(source, namespace)
    return namespace[name]


@pytest.mark.parametrize("name", zoo.names())
def test_networks_of_the_zoo(name):
    model = make(name, 0)
    if not isinstance(zoo.to_dicts(model, shape_of(name)), list):
        with pytest.raises(ArgumentError, match=r"^to_python: "):
            zoo.to_python(model)
        return
    again = made(zoo.to_python(model)).initialize(seed=0)
    assert repr(again) == repr(model)
    state = model.state_dict()
    for key, value in again.state_dict().items():
        np.testing.assert_array_equal(value, state[key])


def test_what_is_no_chain():
    for write in (zoo.to_python, zoo.to_spec):
        with pytest.raises(
            ArgumentError, match=r"the network must be a Sequential, got ResNet, which is no cha"
        ):
            write(zoo.build("resnet-cifar"))


def test_what_it_looks_like():
    block = nn.DenseResidual(nn.Sequential(nn.Conv2d(1, 2, 3, padding="same", bias=False), nn.Dropout(0.1)))
    model = nn.Sequential(
        block,
        nn.Residual(nn.Conv2d(3, 3, 1), nn.Sequential(nn.ReLU())),
        nn.Sequential(),
        nn.MaxPool2d((2, 1)),
    )
    assert (
        zoo.to_python(model, "net")
        == """\
from fastcnn import nn

net = nn.Sequential(
    nn.DenseResidual(nn.Sequential(
        nn.Conv2d(1, 2, 3, padding='same', bias=False),
        nn.Dropout(p=0.1),
    )),
    nn.Residual(nn.Conv2d(3, 3, 1), shortcut=nn.Sequential(
        nn.ReLU(),
    )),
    nn.Sequential(),
    nn.MaxPool2d((2, 1)),
)
"""
    )
    assert repr(made(zoo.to_python(model, "net"), "net")) == repr(model)


def test_names():
    model = nn.Sequential({"a": nn.ReLU(), "1": nn.Sequential({"it's": nn.ReLU()})})
    assert [name for name, _ in made(zoo.to_python(model)).named_modules()] == ["", "a", "1", "1.it's"]
    for name in ("a b", "", "x = 1; y", 3):
        with pytest.raises(ArgumentError, match="to_python: name must be the name of a variable"):
            zoo.to_python(model, name)
