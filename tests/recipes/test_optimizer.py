"""The section [optimizer], and what of [training] changes its steps."""

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DataError
from fastcnn.recipes import Experiment, read_recipe
from fastcnn.recipes.keeping import SameRecipe
from fastcnn.recipes.optimizer import OPTIMIZERS, make_optimizer
from fastcnn.training import EMA


def network():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2 * 36, 3))


def made(table):
    recipe = read_recipe(table, "my.toml")
    assert read_recipe(recipe.to_dict(), "my.toml").to_dict() == recipe.to_dict()
    return make_optimizer(recipe.optimizer, network(), "my.toml")


def test_every_optimizer_can_be_named(tiny):
    known = {
        name
        for name in optim.__all__
        if isinstance(getattr(optim, name), type) and issubclass(getattr(optim, name), optim.Optimizer)
    }
    assert set(OPTIMIZERS.types) == known - {"Optimizer", "Lookahead", "Combined"}
    for name in set(OPTIMIZERS.types) - {"Muon"}:
        tiny["optimizer"] = {"type": name, "lr": 0.5}
        optimizer = made(tiny)
        assert type(optimizer).__name__ == name
        assert optimizer.param_groups[0]["lr"] == 0.5


def test_options_have_the_names_of_the_arguments(tiny):
    tiny["optimizer"] = {"type": "RMSprop", "alpha": 0.5, "centered": True, "momentum": 0.25}
    group = made(tiny).param_groups[0]
    assert (group["alpha"], group["centered"], group["momentum"], group["lr"]) == (0.5, True, 0.25, 0.01)


def test_muon_and_another_for_the_rest(tiny):
    tiny["optimizer"] = {"type": "Muon", "lr": 0.02, "flatten": True, "others": {"type": "AdamW", "lr": 0.5}}
    optimizer = made(tiny)
    assert isinstance(optimizer, optim.Combined)
    muon, adamw = optimizer.optimizers
    assert [p.shape for p in muon.param_groups[0]["params"]] == [(2, 1, 3, 3), (3, 72)]
    assert [p.shape for p in adamw.param_groups[0]["params"]] == [(2,), (2,), (2,), (3,)]
    assert [group["lr"] for group in optimizer.param_groups] == [0.02, 0.5]
    tiny["optimizer"]["flatten"] = False
    assert [p.shape for p in made(tiny).optimizers[0].param_groups[0]["params"]] == [(3, 72)]
    tiny["optimizer"]["groups"] = [{"parameters": "3.*", "lr": 0.1}]
    assert [group["lr"] for group in made(tiny).param_groups] == [0.1, 0.5]


def test_muon_alone_refuses_what_is_no_matrix(tiny):
    tiny["optimizer"] = {"type": "Muon", "flatten": True}
    with pytest.raises(DataError, match=r"my.toml: optimizer: Muon: parameters must be matrices, .*others"):
        made(tiny)


def test_lookahead_around_any(tiny):
    tiny["optimizer"]["lookahead"] = {"k": 3}
    optimizer = made(tiny)
    assert isinstance(optimizer, optim.Lookahead)
    assert (optimizer.k, optimizer.alpha, type(optimizer.optimizer)) == (3, 0.5, optim.Adam)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({"type": "Adam", "lookahead": {"k": 0}}, "optimizer.lookahead.k must be at least 1, got 0"),
        ({"type": "Adam", "lookahead": {"alpha": 2}}, r"optimizer.lookahead.alpha must be in \[0, 1\]"),
        ({"type": "Adam", "lookahead": {"beta": 2}}, "unknown key optimizer.lookahead.beta"),
        ({"type": "Adam", "lookahead": 5}, "optimizer.lookahead must be a table, got 5"),
        ({"type": "Adam", "others": {"type": "SGD"}}, "optimizer.others is for Muon"),
        ({"type": "Muon", "others": {"type": "Sgd"}}, "optimizer.others.type must be one of SGD"),
        ({"type": "Muon", "others": {"type": "SGD", "lr": -1}}, "optimizer.others.lr must be a finite"),
        (
            {"type": "Muon", "others": {"type": "SGD", "lookahead": {}}},
            "optimizer.others has no groups, lookahead, others of its own",
        ),
        ({"type": "Muon", "ns_steps": 100}, "optimizer.ns_steps must be below 100, got 100"),
        ({"type": "Lookahead"}, "optimizer.type must be one of SGD"),
    ],
)
def test_what_is_wrong_is_named(tiny, optimizer, message):
    tiny["optimizer"] = optimizer
    with pytest.raises(DataError, match=f"my.toml: {message}"):
        read_recipe(tiny, "my.toml")


def test_accumulation_and_averages(tiny):
    tiny["training"].update(accumulate_grad_batches=3, ema_decay=0.9, epochs=1)
    tiny["scheduler"] = {"type": "OneCycleLR"}
    experiment = Experiment(read_recipe(tiny, "my.toml"))
    assert experiment.trainer.accumulate_grad_batches == 3
    # 300 of 500 images are kept, 200 of them for validation: 2 batches, one step.
    steps = -(-experiment.images_per_epoch // (3 * 50))
    assert experiment.trainer.scheduler.total_steps == steps
    experiment.fit(progress=False)
    ema = next(each for each in experiment.trainer.callbacks if isinstance(each, EMA))
    assert ema.averaged.n_averaged == steps + 1
    for name, values in experiment.model.state_dict().items():
        np.testing.assert_array_equal(values, ema.averaged.module.state_dict()[name])


def test_a_checkpoint_of_before_there_was_accumulation_goes_on(tiny):
    state = SameRecipe(read_recipe(tiny, "my.toml")).state_dict()
    del state["recipe"]["training"]["accumulate_grad_batches"]
    SameRecipe(read_recipe(tiny, "my.toml")).load_state_dict(state)
    tiny["training"]["accumulate_grad_batches"] = 2
    with pytest.raises(ArgumentError, match=r"training.accumulate_grad_batches is 2, but .* had None"):
        SameRecipe(read_recipe(tiny, "my.toml")).load_state_dict(state)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("accumulate_grad_batches", 0, "training.accumulate_grad_batches must be an integer of at least 1"),
        ("ema_decay", -0.5, "training.ema_decay must be a number of at least 0"),
    ],
)
def test_wrong_values_of_training(tiny, key, value, message):
    tiny["training"][key] = value
    with pytest.raises(DataError, match=f"my.toml: {message}"):
        read_recipe(tiny, "my.toml")
