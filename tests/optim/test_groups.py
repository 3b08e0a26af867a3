import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError


@pytest.fixture
def model():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.PositionBias((2, 4, 4)), nn.Flatten(), nn.Linear(32, 3)
    ).initialize(seed=0)


def names(model, groups):
    known = {id(parameter): name for name, parameter in model.named_parameters()}
    return [[known[id(parameter)] for parameter in group["params"]] for group in groups]


def test_by_kind(model):
    groups = optim.parameter_groups(model, [{"parameters": "others", "weight_decay": 0.0}])
    assert names(model, groups)[1] == ["0.weight", "4.weight"]
    assert len(groups[0]["params"]) == 5
    assert groups[0]["weight_decay"] == 0.0
    assert groups[1].keys() == {"params"}


def test_the_first_match_counts_and_nothing_is_lost(model):
    groups = optim.parameter_groups(
        model, [{"parameters": "4.*", "lr": 0.5}, {"parameters": "weights"}, {"parameters": "others"}]
    )
    assert names(model, groups)[:2] == [["4.weight", "4.bias"], ["0.weight"]]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters())) == 7


def test_no_groups_give_one_in_the_order_of_the_model(model):
    groups = optim.parameter_groups(model, [])
    assert names(model, groups) == [[name for name, _ in model.named_parameters()]]


def test_the_penalty_acts_on_weights_alone(model):
    groups = optim.parameter_groups(model, [{"parameters": "others", "weight_decay": 0.0}])
    optimizer = optim.SGD(groups, lr=0.1, weight_decay=0.5)
    before = {name: parameter.data.copy() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = np.zeros_like(parameter.data)
    optimizer.step()
    for name, parameter in model.named_parameters():
        kept = 0.95 if name in ("0.weight", "4.weight") else 1.0
        np.testing.assert_allclose(parameter.data, kept * before[name], rtol=1e-6)


def test_refused(model):
    with pytest.raises(
        ArgumentError, match=r"^parameter_groups: groups\[1\] takes no parameter: 'weights' is none of"
    ):
        optim.parameter_groups(model, [{"parameters": "weights"}, {"parameters": "weights"}])
    with pytest.raises(ArgumentError, match="those that are left"):
        optim.parameter_groups(model, [{"parameters": "*"}, {"parameters": "others"}])
    with pytest.raises(DTypeError, match=r'^parameter_groups: groups\[0\] needs "parameters", a str'):
        optim.parameter_groups(model, [{"lr": 1}])
