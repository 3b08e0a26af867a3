"""What a state dict names, what loading one takes, and what it says."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError


class Tied(nn.Module):
    """A module, a Parameter and a buffer that are each in two places."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.second = self.first
        self.third = nn.Linear(2, 2, bias=False)
        self.third.weight = self.first.weight
        self.register_buffer("count", np.zeros(2, np.int64))
        self.register_buffer("again", self.count)


def weights(value):
    return np.full((2, 2), value, np.float32)


# The names and their order are those of PyTorch for the same tree.
TIED = ["count", "again", "first.weight", "first.bias", "second.weight", "second.bias", "third.weight"]


def test_what_is_shared_has_every_name():
    assert list(Tied().state_dict()) == TIED
    block = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    names = list(nn.Sequential(block, nn.ReLU(), block).state_dict())
    assert names[:2] == ["0.0.weight", "0.0.bias"]
    assert [f"2{name[1:]}" for name in names[:7]] == names[7:]


def test_what_is_shared_is_loaded_under_every_name_and_under_one():
    model = Tied()
    result = model.load_state_dict({**Tied().state_dict(), "third.weight": weights(3)})
    assert result == ([], [])
    # The last name has the last word, as in PyTorch.
    assert (model.first.weight.data == 3).all()
    once = {"again": [4, 5], "first.weight": weights(1), "second.bias": np.ones(2)}
    assert model.load_state_dict(once) == ([], [])
    assert (model.third.weight.data == 1).all()
    assert model.count.tolist() == [4, 5]
    assert model.third.weight is model.first.weight


def test_a_module_that_holds_itself_is_named_once():
    model = nn.Sequential(nn.Linear(1, 1))
    model[0].parent = model
    assert list(model.state_dict()) == ["0.weight", "0.bias"]


def test_the_answer_names_what_was_missing_and_what_was_left():
    model = nn.Linear(2, 2)
    result = model.load_state_dict(model.state_dict())
    assert repr(result) == str(result) == "<All keys matched successfully>"
    result = model.load_state_dict({"extra": 1, "weight": weights(2)}, strict=False)
    assert result.missing_keys == ["bias"]
    assert result.unexpected_keys == ["extra"]
    assert repr(result) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['extra'])"
    assert (model.weight.data == 2).all()


def test_the_count_of_batches_may_be_missing():
    model = nn.Sequential(nn.BatchNorm2d(2))
    model[0].num_batches_tracked[...] = 7
    state = model.state_dict()
    del state["0.num_batches_tracked"]
    assert model.load_state_dict(state) == ([], [])
    assert model[0].num_batches_tracked == 7
    del state["0.running_var"]
    with pytest.raises(ArgumentError, match=r"missing names \['0.running_var'\], unexpected names \[\]"):
        model.load_state_dict(state)


@pytest.mark.parametrize(
    ("rename", "cure", "strip"),
    [
        (
            lambda name: f"module.{name}",
            "Without 'module.' of DataParallel the names fit: model.load_state_dict("
            "{name.removeprefix('module.'): value for name, value in state.items()})",
            lambda name: name.removeprefix("module."),
        ),
        (
            lambda name: f"_orig_mod.{name}",
            "Without '_orig_mod.' of torch.compile the names fit: model.load_state_dict("
            "{name.removeprefix('_orig_mod.'): value",
            lambda name: name.removeprefix("_orig_mod."),
        ),
        (
            lambda name: f"model.{name}",
            "Without 'model.' the names fit: model.load_state_dict({name.removeprefix('model.'): value",
            lambda name: name.removeprefix("model."),
        ),
        (
            lambda name: name.replace("0.", "0._orig_mod."),
            "Without '_orig_mod.' of torch.compile the names fit: model.load_state_dict("
            "{name.replace('._orig_mod.', '.'): value",
            lambda name: name.replace("._orig_mod.", "."),
        ),
        (
            lambda name: f"module._orig_mod.{name}",
            "Without 'module.' and '_orig_mod.' of DataParallel and torch.compile the names fit: "
            "model.load_state_dict({name.replace('._orig_mod.', '.').removeprefix('module.'): value",
            lambda name: name.replace("._orig_mod.", ".").removeprefix("module."),
        ),
    ],
)
def test_a_prefix_is_recognised_and_the_cure_works(rename, cure, strip):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm2d(2))
    wanted = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm2d(2)).initialize(seed=4).state_dict()
    state = {**{rename(name): value for name, value in wanted.items()}, "n_averaged": 3}
    with pytest.raises(ArgumentError) as caught:
        model.load_state_dict(state)
    assert cure in str(caught.value)
    state = {strip(name): value for name, value in state.items()}
    assert model.load_state_dict(state, strict=False) == ([], ["n_averaged"])
    assert all(np.array_equal(value, wanted[name]) for name, value in model.state_dict().items())


def test_no_cure_is_made_up():
    with pytest.raises(ArgumentError, match=r"\(strict=False ignores both\)$"):
        nn.Linear(2, 2).load_state_dict({"a.gamma": 1, "module.beta": 2})


class Buffers(nn.Module):
    def __init__(self, **buffers):
        super().__init__()
        for name, value in buffers.items():
            self.register_buffer(name, np.asarray(value))


@pytest.mark.parametrize(
    "values",
    [
        np.array([True, False]),
        np.array([-3, 4], np.int8),
        np.array([1, 2**64 - 1], np.uint64),
        np.array([0.5, 2], np.float16),
        np.array([0.5, 2], ">f4"),
        np.array([0.5, 2], ">f8"),
        np.array([7, 2**40], ">i8"),
        np.array(True),
        np.array(3, np.int16),
        np.zeros((0, 2), np.float32),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    ],
)
def test_buffers_of_every_type_go_back_and_forth(values):
    model = Buffers(kept=np.zeros_like(values))
    assert model.load_state_dict(Buffers(kept=values).state_dict()) == ([], [])
    assert model.kept.dtype == values.dtype
    np.testing.assert_array_equal(model.kept, values)


def test_a_buffer_that_is_read_only_is_replaced():
    kept = np.zeros(2)
    kept.flags.writeable = False
    model = Buffers(kept=kept)
    model.load_state_dict({"kept": [1, 2]})
    assert model.kept.tolist() == [1, 2]
    assert kept.tolist() == [0, 0]


def test_values_may_be_lists_parameters_and_a_number_in_brackets():
    model = nn.Linear(2, 2)
    model.load_state_dict({"weight": nn.Parameter(weights(5)), "bias": [1, 2]})
    assert (model.weight.data == 5).all()
    assert model.bias.data.tolist() == [1, 2]
    norm = nn.BatchNorm2d(1)
    norm.load_state_dict({"num_batches_tracked": np.array([9])}, strict=False)
    assert norm.num_batches_tracked.shape == ()
    assert norm.num_batches_tracked == 9


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([("bias", 1)], DTypeError, "state must be a mapping of names to arrays, got list"),
        ({"bias": [[1], [2, 3]]}, DTypeError, "bias must be an array of numbers"),
        ({"bias": np.array([1j, 2])}, DTypeError, "bias must be numbers, got complex128"),
        ({"bias": np.array(["2020-01-01"] * 2, "M8[D]")}, DTypeError, "bias must be numbers, got datetime64"),
        ({"bias": [1]}, ShapeError, r"bias must have the shape \(2,\), got \(1,\)"),
    ],
)
def test_what_does_not_fit_changes_nothing(state, error, message):
    model = nn.Linear(2, 2)
    before = model.state_dict()
    if isinstance(state, dict):
        state = {"weight": weights(8), **state}
    with pytest.raises(error, match=f"load_state_dict: {message}"):
        model.load_state_dict(state)
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_conversion_that_fails_changes_nothing():
    model = nn.Linear(2, 2)
    before = model.state_dict()
    # Warnings are errors here; elsewhere the value becomes infinite, as in PyTorch.
    with pytest.raises(RuntimeWarning, match="overflow"):
        model.load_state_dict({"weight": weights(8), "bias": np.array([1e300, 0])})
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("name", [1, None, b"weight"])
def test_names_that_are_no_text(name):
    model = nn.Linear(2, 2)
    with pytest.raises(DTypeError, match=f"load_state_dict: the names in state must be text, got {name!r}"):
        model.load_state_dict({name: np.zeros((2, 2))}, strict=False)
