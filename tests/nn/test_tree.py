"""The members of a module: registration, names, walks."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, StateError
from fastcnn.nn import changes

from .networks import network


def test_names_follow_the_tree():
    model = network()
    assert [name for name, _ in model.named_children()] == ["stem", "block", "scale", "flat", "head"]
    modules = dict(model.named_modules())
    assert list(modules)[:5] == ["", "stem", "block", "block.body", "block.body.0"]
    assert isinstance(modules["block.body.1"], nn.BatchNorm2d)
    names = [name for name, _ in model.named_parameters()]
    assert names == [
        "stem.weight",
        "block.body.0.weight",
        "block.body.0.bias",
        "block.body.1.weight",
        "block.body.1.bias",
        "scale.weight",
        "head.weight",
        "head.bias",
    ]
    assert [name for name, _ in model.named_parameters("net")] == [f"net.{name}" for name in names]
    buffers = [name for name, _ in model.named_buffers()]
    assert buffers == [
        f"block.body.1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")
    ]
    assert list(model.children()) == list(model)
    assert list(model.modules()) == list(modules.values())
    assert model.num_parameters() == 2 * 4 * 9 + (4 * 4 * 9 + 4) + 8 + 4 + (64 * 3 + 3)


def test_a_shared_module_counts_once():
    shared = nn.Linear(3, 3)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    assert len(list(model.modules())) == 3
    model(np.ones((2, 3), np.float32))


def test_assignment_registers_and_replaces():
    module = nn.Module()
    module.weight = nn.Parameter(np.zeros(2))
    module.child = nn.ReLU()
    module.number = 3
    module.register_buffer("steps", np.array(0))
    assert [name for name, _ in module.named_parameters()] == ["weight"]
    assert [name for name, _ in module.named_children()] == ["child"]
    assert [name for name, _ in module.named_buffers()] == ["steps"]
    module.weight = nn.Parameter(np.ones(3))
    module.child = nn.Flatten()
    module.steps = np.array(7)
    assert module.weight.shape == (3,)
    assert isinstance(module.child, nn.Flatten)
    assert module.state_dict()["steps"] == 7
    module.child = None
    assert list(module.children()) == []
    with pytest.raises(DTypeError, match="Module: weight must be a Parameter or None, got ndarray"):
        module.weight = np.zeros(3)
    with pytest.raises(AttributeError, match="Module has no attribute 'gone'"):
        _ = module.gone


def test_init_of_the_base_comes_first():
    class Careless(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(np.zeros(1))

    with pytest.raises(StateError, match=r"Careless: call super\(\).__init__\(\) before setting attributes"):
        Careless()


def test_a_name_has_one_member():
    """A parameter, buffer, module or plain attribute takes the place of what had its name."""
    module = nn.Module()
    for value in (nn.ReLU(), nn.Parameter(np.ones(2)), nn.Flatten()):
        module.part = value
        assert module.part is value
        assert len([*module.named_children(), *module.named_parameters()]) == 1
    module.register_buffer("table", np.ones(3))
    module.table = nn.Parameter(np.ones(3))
    assert list(module.named_buffers()) == []
    assert [name for name, _ in module.named_parameters()] == ["table"]


def test_members_can_be_deleted():
    module = nn.BatchNorm2d(2)
    module.act = nn.ReLU()
    before = changes.latest()
    del module.act, module.weight, module.num_batches_tracked, module.eps
    assert changes.latest() > before
    assert list(module.state_dict()) == ["bias", "running_mean", "running_var"]
    assert list(module.children()) == []
    for name in ("act", "weight", "eps", "nothing"):
        with pytest.raises(AttributeError, match=name):
            delattr(module, name)


def test_registration_by_name():
    module, layer, weight = nn.Module(), nn.ReLU(), nn.Parameter(np.ones(2))
    before = changes.latest()
    module.add_module("act", layer)
    module.register_module("again", layer)
    module.register_parameter("weight", weight)
    module.register_parameter("bias", None)
    assert changes.latest() > before
    assert list(module.named_children()) == [("act", layer), ("again", layer)]
    assert list(module.named_parameters()) == [("weight", weight)]
    assert module.bias is None
    module.add_module("act", None)
    assert module.act is None
    module.add_module("again", nn.Flatten())
    assert isinstance(module.again, nn.Flatten)


def test_registration_refuses():
    module = nn.Sequential(nn.ReLU())
    with pytest.raises(DTypeError, match=r"Sequential.add_module: module must be a Module or None, got int"):
        module.add_module("act", 3)
    message = r"Sequential.register_parameter: param must be a Parameter or None, got ndarray"
    with pytest.raises(DTypeError, match=message):
        module.register_parameter("weight", np.ones(2))
    with pytest.raises(DTypeError, match=r"Sequential.add_module: name must be a str, got 0"):
        module.add_module(0, nn.ReLU())
    for name in ("", "a.b"):
        with pytest.raises(ArgumentError, match="add_module: name must not be empty or have a dot, got '"):
            module.add_module(name, nn.ReLU())
    with pytest.raises(ArgumentError, match="register_parameter: 'forward' is another attribute: take ano"):
        module.register_parameter("forward", nn.Parameter(np.ones(1)))
    with pytest.raises(ArgumentError, match="register_parameter: '0' is another attribute"):
        module.register_parameter("0", nn.Parameter(np.ones(1)))
    assert list(module.state_dict()) == []


def test_members_by_dotted_name():
    model = network()
    assert model.get_submodule("") is model
    assert model.get_submodule("block.body.1") is model.block.body[1]
    assert model.get_parameter("block.body.0.bias") is model.block.body[0].bias
    np.testing.assert_array_equal(model.get_buffer("block.body.1.running_var"), np.ones(4))
    message = r"get_submodule: 'block.tail.1': Residual has no module 'tail' \(it has: body\)"
    with pytest.raises(AttributeError, match=message):
        model.get_submodule("block.tail.1")
    message = r"get_parameter: 'head.gain': Linear has no parameter 'gain' \(it has: weight, bias\)"
    with pytest.raises(AttributeError, match=message):
        model.get_parameter("head.gain")
    message = r"get_buffer: 'stem.weight': Conv2d has no buffer 'weight' \(it has: none\)"
    with pytest.raises(AttributeError, match=message):
        model.get_buffer("stem.weight")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("a.b", ArgumentError, "name must not be empty or have a dot, got 'a.b'"),
        ("", ArgumentError, "name must not be empty or have a dot, got ''"),
        ("forward", ArgumentError, "'forward' is another attribute"),
        (3, DTypeError, "name must be a str, got 3"),
    ],
)
def test_names_of_buffers(name, error, message):
    with pytest.raises(error, match=f"ReLU.register_buffer: {message}"):
        nn.ReLU().register_buffer(name, np.zeros(2))
