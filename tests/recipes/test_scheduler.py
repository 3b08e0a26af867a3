import pytest

from fastcnn import optim
from fastcnn.errors import DataError
from fastcnn.recipes import Experiment, read_recipe
from fastcnn.recipes.optimizer import sample_parameters
from fastcnn.recipes.scheduler import SCHEDULERS, make_scheduler, read_scheduler

SEQUENCE = {
    "type": "SequentialLR",
    "milestones": [4],
    "schedulers": [
        {"type": "LinearLR", "start_factor": 0.25, "total_iters": 4},
        {"type": "WarmupQuarterCosineLR"},
    ],
}


def rates(table, length, lr=1.0):
    optimizer = optim.SGD(sample_parameters(), lr=lr, momentum=0.9)
    scheduler = make_scheduler(read_scheduler(table, "scheduler", "my.toml"), optimizer, length)
    found = []
    for _ in range(length):
        found.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    return found


def test_a_sequence_and_the_length_of_its_parts():
    found = rates(SEQUENCE, 7)
    assert found == pytest.approx([0.25, 0.4375, 0.625, 0.8125, 1, 0.5**0.5, 0], abs=1e-12)


def test_a_cycle_behind_a_warm_up_has_the_rate_of_the_optimizer():
    table = {
        "type": "SequentialLR",
        "milestones": [2],
        "schedulers": [{"type": "ConstantLR", "factor": 0.5, "total_iters": 9}, {"type": "OneCycleLR"}],
    }
    assert max(rates(table, 12, 0.3)) == pytest.approx(0.3)


def test_sequences_nest_and_are_written_as_they_were_read(tiny):
    nested = {"type": "SequentialLR", "milestones": [1], "schedulers": [SEQUENCE, {"type": "StepLR"}]}
    nested["schedulers"][1]["step_size"] = 2
    tiny["scheduler"] = {**nested, "step": "batch"}
    recipe = read_recipe(tiny, "my.toml")
    again = read_recipe(recipe.to_dict(), "my.toml")
    assert again.to_dict() == recipe.to_dict()
    assert recipe.scheduler.options["schedulers"][1]["gamma"] == 0.1  # defaults are filled in


def test_every_schedule_can_be_named():
    """But for the base, and for functions, which no file can say."""
    named = {*optim.lr_scheduler.__all__, "SWALR"} - {"LRScheduler", "LambdaLR", "MultiplicativeLR"}
    assert set(SCHEDULERS.types) == named


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"type": "PolynomialLR", "power": 2.0}, [1, 0.5625, 0.25, 0.0625]),
        ({"type": "CosineAnnealingWarmRestarts", "T_0": 2}, [1, 0.5, 1, 0.5]),
        ({"type": "CyclicLR", "base_lr": 0.1, "max_lr": 0.5, "step_size_up": 2}, [0.1, 0.3, 0.5, 0.3]),
        (
            {"type": "SWALR", "swa_lr": 0.2, "anneal_epochs": 2, "anneal_strategy": "linear"},
            [1, 0.6, 0.2, 0.2],
        ),
        (
            {
                "type": "ChainedScheduler",
                "schedulers": [{"type": "ExponentialLR", "gamma": 0.5}, {"type": "PolynomialLR"}],
            },
            [1, 0.375, 0.125, 0.03125],
        ),
    ],
)
def test_schedules_by_name(table, expected):
    assert rates(table, 4) == pytest.approx(expected)


def test_a_cycle_is_stepped_with_each_batch(tiny):
    tiny["scheduler"] = {"type": "CyclicLR", "base_lr": 0.001, "max_lr": 0.01}
    made = Experiment(read_recipe(tiny, "my.toml"))
    assert made.trainer._schedule.per_batch
    assert made.trainer.optimizer.param_groups[0]["lr"] == 0.001


def test_stepped_once_an_epoch_like_others(tiny):
    tiny["scheduler"] = {**SEQUENCE, "milestones": [1]}
    tiny["training"]["epochs"] = 3
    made = Experiment(read_recipe(tiny, "my.toml"))
    made.fit(progress=False)
    assert made.trainer.history["lr"] == pytest.approx([0.0025, 0.01, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"milestones": None}, "scheduler.milestones must be a list of integers, got None"),
        ({"milestones": [1, 2]}, "scheduler: SequentialLR: 2 schedulers need 1 milestones, got 2"),
        ({"schedulers": {}}, "scheduler.schedulers must be a list of tables, got {}"),
        ({"schedulers": []}, "scheduler.schedulers is empty"),
        ({"schedulers": [3]}, "scheduler.schedulers[0] must be a table, got 3"),
        ({"schedulers": [{"type": "StepLR"}]}, "scheduler.schedulers[0].step_size is missing"),
        (
            {"schedulers": [{"type": "StepLR", "step_size": 1, "step": "batch"}], "milestones": []},
            "scheduler.schedulers[0].step belongs into scheduler",
        ),
        (
            {"schedulers": [{"type": "ReduceLROnPlateau"}], "milestones": []},
            "scheduler.schedulers[0] must follow the step alone, which ReduceLROnPlateau does not",
        ),
        (
            {"type": "ChainedScheduler"},
            "unknown key scheduler.milestones; allowed are type, schedulers, step",
        ),
        ({"gamma": 1}, "unknown key scheduler.gamma; allowed are type, schedulers, milestones, step"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(DataError) as caught:
        read_scheduler({**SEQUENCE, **changes}, "scheduler", "my.toml")
    assert str(caught.value) == f"my.toml: {message}"
