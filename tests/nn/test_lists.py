"""Chains, lists and dicts of modules: what PyTorch's do, with its names."""

from collections import OrderedDict

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, StateError
from fastcnn.nn import changes
from fastcnn.testing import assert_close

KINDS = {"Sequential": lambda members: nn.Sequential(*members), "ModuleList": nn.ModuleList}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def parts(count):
    """Modules that tell themselves apart."""
    return [nn.Linear(i + 1, 1) for i in range(count)]


def members(module):
    """Return names and modules."""
    return list(module.named_children())


def numbered(*modules):
    return [(str(i), module) for i, module in enumerate(modules)]


def test_reading(kind):
    a, b, c = parts(3)
    module = kind([a, b, c])
    assert len(module) == 3
    assert module[np.int64(0)] is a
    assert module[-1] is c
    assert b in module
    assert nn.ReLU() not in module
    assert list(module[::2]) == [a, c]
    assert type(module[1:]) is type(module)
    assert not len(kind([]))


def test_replacing(kind):
    a, b, c, d = parts(4)
    module = kind([a, b, c])
    before = changes.latest()
    module[1] = d
    assert changes.latest() > before
    module[-1] = a
    assert members(module) == numbered(a, d, a)


def test_deleting_numbers_anew(kind):
    a, b, c, d = parts(4)
    module = kind([a, b, c, d])
    before = changes.latest()
    del module[-3]
    assert changes.latest() > before
    assert members(module) == numbered(a, c, d)
    del module[1:]
    assert members(module) == numbered(a)


def test_inserting(kind):
    a, b, c, d, e = parts(5)
    module = kind([a, b])
    before = changes.latest()
    assert module.insert(0, c) is module
    assert changes.latest() > before
    module.insert(-1, d)
    module.insert(4, e)
    assert members(module) == numbered(c, a, d, b, e)


def test_adding(kind):
    a, b, c, d = parts(4)
    module = kind([a])
    before = changes.latest()
    assert module.append(b) is module
    assert changes.latest() > before
    assert module.extend(kind([c])) is module
    same = module
    module += [d]
    assert module is same
    assert members(module) == numbered(a, b, c, d)
    module.extend(module[:1])
    assert members(module) == numbered(a, b, c, d, a)
    total = kind([a, b]) + kind([c])
    assert type(total) is type(module)
    assert members(total) == numbered(a, b, c)


def test_taking_out(kind):
    a, b, c, d = parts(4)
    module = kind([a, b, c, d])
    assert module.pop(0) is a
    assert module.pop() is d
    assert members(module) == numbered(b, c)
    assert list(module.pop(slice(0, 1))) == [b]
    assert members(module) == numbered(c)


def test_refusals_change_nothing(kind):
    a, b = parts(2)
    module = kind([a, b])
    name = type(module).__name__
    for index in (2, -3):
        for use in (lambda i: module[i], module.__delitem__, module.pop, lambda i: module.__setitem__(i, a)):
            with pytest.raises(IndexError, match=f"{name}: index {index} is out of range for 2 modules"):
                use(index)
    with pytest.raises(IndexError, match=f"{name}.insert: index 3 is out of range for 2 modules"):
        module.insert(3, a)
    for index in ("0", 1.0, None):
        with pytest.raises(DTypeError, match=f"{name}: an index must be an integer or a slice, got "):
            module[index]
    with pytest.raises(DTypeError, match="an index must be an integer or a slice, got slice"):
        module[0:1] = a
    for value in (None, "relu", nn.ReLU):
        for use in (
            module.append,
            lambda value: module.insert(0, value),
            lambda value: module.__setitem__(0, value),
            lambda value: module.extend([a, value]),
        ):
            with pytest.raises(DTypeError, match=f"{name}: a Module is needed, got "):
                use(value)
    for several in (3, nn.ReLU(), "relu", {"a": a}, nn.ModuleDict({"a": a})):
        with pytest.raises(DTypeError, match=f"{name}: an iterable of Modules is needed, got "):
            module.extend(several)
    assert members(module) == numbered(a, b)


def test_a_chain_with_names():
    """Replacing and inserting keep the names; deleting numbers all members anew, as in PyTorch."""
    a, b, c, d = parts(4)
    model = nn.Sequential(OrderedDict(first=a, second=b))
    model[1] = c
    assert members(model) == [("first", a), ("second", c)]
    model.append(d)
    assert members(model) == [("first", a), ("second", c), ("2", d)]
    model.insert(1, b)
    assert members(model) == [("first", a), ("3", b), ("second", c), ("2", d)]
    assert members(model[1:3]) == [("3", b), ("second", c)]
    del model[0]
    assert members(model) == numbered(b, c, d)


def test_a_new_name_is_free():
    """Appending never takes another member's place."""
    a, b, c = parts(3)
    model = nn.Sequential({"1": a})
    model.append(b).append(c)
    assert [module for _, module in members(model)] == [a, b, c]
    assert [name for name, _ in members(model)] == ["1", "2", "3"]


def test_compiled_models_follow_their_chain():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 4), np.float32)
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    fast = fastcnn.compile(model)
    for change in (
        lambda: model.__setitem__(0, nn.Linear(4, 4).eval()),
        lambda: model.insert(1, nn.Linear(4, 4).eval()),
        lambda: model.__delitem__(2),
        lambda: model.pop(0),
    ):
        fast(x)
        change()
        assert_close(fast(x), model(x), 1e-6)


class Branches(nn.Module):
    """The sum of some layers, chosen by name from a dict and in order from a list."""

    def __init__(self):
        super().__init__()
        self.row = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
        self.named = nn.ModuleDict({"out": nn.Linear(3, 2)})

    def forward(self, x):
        for layer in self.row:
            x = layer(x)
        return self.named["out"](x)

    def backward(self, dy):
        dy = self.named["out"].backward(dy)
        for layer in reversed(list(self.row)):
            dy = layer.backward(dy)
        return dy


def test_lists_and_dicts_register_their_members():
    model = Branches()
    names = ["row.0.weight", "row.0.bias", "row.1.weight", "row.1.bias", "named.out.weight", "named.out.bias"]
    assert list(model.state_dict()) == names
    model(np.ones((2, 3), np.float32))
    model.backward(np.ones((2, 2), np.float32))
    assert all(p.grad is not None for p in model.parameters())
    model.eval()
    assert not any(module.training for module in model.modules())


def test_lists_and_dicts_have_no_passes():
    for holder in (nn.ModuleList(parts(1)), nn.ModuleDict()):
        name = type(holder).__name__
        message = f"{name} holds modules and does not run them: call its members in the forward of your own"
        with pytest.raises(NotImplementedError, match=message):
            holder(np.ones((1, 1), np.float32))
        with pytest.raises(StateError, match=f"{name}: backward was called before forward"):
            holder.backward(np.ones((1, 1), np.float32))
        with pytest.raises(NotImplementedError, match=f"{name} holds modules"):
            nn.Sequential(holder).predict(np.ones((1, 1), np.float32))


def test_module_dict():
    a, b, c = parts(3)
    module = nn.ModuleDict({"x": a, "y": b})
    assert list(module) == list(module.keys()) == ["x", "y"]
    assert list(module.values()) == [a, b]
    assert list(module.items()) == [("x", a), ("y", b)]
    assert "x" in module
    assert a not in module
    assert len(module) == 2
    assert module["y"] is module.y is b
    before = changes.latest()
    module["y"] = c
    assert changes.latest() > before
    module.update([("z", b)])
    module.update(nn.ModuleDict({"x": b}))
    assert members(module) == [("x", b), ("y", c), ("z", b)]
    before = changes.latest()
    assert module.pop("y") is c
    del module["x"]
    assert changes.latest() > before
    assert members(module) == [("z", b)]
    module.clear()
    assert members(nn.ModuleDict()) == members(module) == []


def test_module_dict_refuses_and_changes_nothing():
    (a,) = parts(1)
    module = nn.ModuleDict({"x": a})
    for use in (lambda: module["y"], lambda: module.pop("y"), lambda: module.__delitem__("y")):
        with pytest.raises(KeyError, match=r"ModuleDict: no module 'y' \(it has: x\)"):
            use()
    with pytest.raises(DTypeError, match="ModuleDict: z must be a Module, got NoneType"):
        module.update({"y": a, "z": None})
    with pytest.raises(DTypeError, match=r"ModuleDict.update: name must be a str, got 1"):
        module[1] = a
    with pytest.raises(ArgumentError, match=r"ModuleDict.update: name must not be empty or have a dot"):
        module["a.b"] = a
    with pytest.raises(ArgumentError, match=r"ModuleDict.update: 'keys' is another attribute"):
        nn.ModuleDict({"keys": a})
    for several in (3, [a], "ab"):
        with pytest.raises(
            DTypeError, match=r"modules must be a mapping of str to Module or \(str, Module\)"
        ):
            module.update(several)
    assert members(module) == [("x", a)]
