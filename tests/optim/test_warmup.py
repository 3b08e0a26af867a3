import pytest

from fastcnn.errors import ArgumentError
from fastcnn.optim.lr_scheduler import SequentialLR, WarmupQuarterCosineLR

from .helpers import optimizer_of


def rates(optimizer, scheduler, steps):
    found = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps - 1):
        scheduler.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


def test_the_published_rates():
    optimizer = optimizer_of("SGD", {"lr": 1e-3})
    found = rates(optimizer, WarmupQuarterCosineLR(optimizer, 9, 3, 1e-5), 9)
    published = [1e-5, 3.4e-4, 6.7e-4, 1e-3, 9.516e-4, 8.109e-4, 5.919e-4, 3.159e-4, 1e-5]
    # 9.51546e-4 is published as 9.516e-4, rounded twice.
    assert found == pytest.approx(published, abs=5.5e-8)
    assert found[4] == pytest.approx(9.515460e-4, abs=5e-11)


def test_without_warm_up_the_first_rate_is_the_highest():
    optimizer = optimizer_of("SGD", {"lr": 0.2})
    assert rates(optimizer, WarmupQuarterCosineLR(optimizer, 3), 3) == pytest.approx([0.2, 0.2 * 0.5**0.5, 0])


def test_beyond_the_end_the_rate_is_the_smallest():
    optimizer = optimizer_of("SGD", {"lr": 0.2})
    assert rates(optimizer, WarmupQuarterCosineLR(optimizer, 3, 1, 0.1), 6)[2:] == [0.1] * 4


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (2, 1)])
def test_nothing_to_fall_through(steps, warmup):
    optimizer = optimizer_of("SGD", {"lr": 0.2})
    assert rates(optimizer, WarmupQuarterCosineLR(optimizer, steps, warmup), steps)[-1] == 0.2


def test_each_group_has_its_own_rate():
    scheduler = WarmupQuarterCosineLR(optimizer_of("SGD", {"lr": 1.0}), 5, 2)
    scheduler.step()
    assert scheduler.get_last_lr() == [0.5, 1.0]


def test_as_a_part_of_a_sequence():
    optimizer = optimizer_of("SGD", {"lr": 1.0})
    parts = [WarmupQuarterCosineLR(optimizer, 2, 1), WarmupQuarterCosineLR(optimizer, 2, 1, 0.5)]
    assert rates(optimizer, SequentialLR(optimizer, parts, [2]), 4) == [0, 1, 0.5, 1]


def test_state_goes_on():
    optimizer = optimizer_of("SGD", {"lr": 1.0})
    scheduler = WarmupQuarterCosineLR(optimizer, 9, 3)
    scheduler.step()
    other = WarmupQuarterCosineLR(optimizer_of("SGD", {"lr": 1.0}), 9, 3)
    other.load_state_dict(scheduler.state_dict())
    other.step()
    assert other.get_last_lr() == pytest.approx([2 / 3, 4 / 3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 3), "warmup_steps must be below total_steps=3, got 3"),
        ((0,), "total_steps must be at least 1, got 0"),
        ((3, -1), "warmup_steps must be at least 0, got -1"),
        ((3, 1, -0.1), "min_lr must be a finite number of at least 0, got -0.1"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ArgumentError, match=f"^WarmupQuarterCosineLR: {message}"):
        WarmupQuarterCosineLR(optimizer_of("SGD", {"lr": 1.0}), *arguments)
