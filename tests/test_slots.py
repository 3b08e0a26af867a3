"""What lower layers ask of higher ones: loaded at the first call, and only then."""

import subprocess
import sys

import pytest

from fastcnn._slots import Slot


def test_a_slot_loads_its_function_at_the_first_call_and_once():
    slot, loads = Slot(), []

    def load():
        loads.append(len(loads))
        return lambda a, *, b: a - b

    slot.fill(load)
    assert not loads
    assert slot(7, b=3) == 4
    assert slot(b=5, a=7) == 2
    assert loads == [0]


def test_slots_do_not_share_what_they_hold():
    one, other = Slot(), Slot()
    one.fill(lambda: min)
    other.fill(lambda: max)
    assert (one(1, 2), other(1, 2), one(3, 2)) == (1, 2, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "from fastcnn import nn; Sequential, Linear = nn.Sequential, nn.Linear",
        "import fastcnn.nn; Sequential, Linear = fastcnn.nn.Sequential, fastcnn.nn.Linear",
        "from fastcnn.nn import Sequential, Linear",
        "from fastcnn.nn.containers import Sequential; from fastcnn.nn.linear import Linear",
    ],
)
def test_a_model_predicts_compiled_whoever_imports_what(statement):
    """The engine is loaded by the first prediction, a log would say if the model ran eagerly."""
    code = f"""
import sys
{statement}
loaded = [any(name.startswith("fastcnn.engine") for name in sys.modules)]
import numpy as np
model = Sequential(Linear(2, 1))
model[0].weight.data[...], model[0].bias.data[...] = [[2, -3]], [0.5]
print(loaded[0], model.predict(np.array([[5, 1], [0, 2]], np.float32)).tolist())
(plan,) = model.__dict__["_plans"]._plans.values()
print(type(plan).__module__, type(plan).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["False [[7.5], [-5.5]]", "fastcnn.engine.plans InferencePlan"]
