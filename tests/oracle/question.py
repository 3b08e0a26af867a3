"""What the grids are made of: one question to PyTorch."""

from dataclasses import dataclass, field
from typing import Any

from . import recipe


@dataclass
class Question:
    """An operation, its inputs as recipes and its other arguments; seeds follow from the id.

    `constant` names the inputs that take no gradient; `upstream` is the recipe's kind for the gradient of the
    result ("uniform", or "ones" for losses, whose fused gradient is that of the loss itself).
    """

    op: str
    id: str
    inputs: dict[str, recipe.Spec]
    args: dict[str, Any] = field(default_factory=dict)
    constant: tuple[str, ...] = ()
    upstream: str = "uniform"

    def __post_init__(self) -> None:
        self.inputs = {
            name: {**spec, "seed": spec.get("seed", recipe.seed_of(self.op, self.id, name))}
            for name, spec in self.inputs.items()
        }

    def upstream_spec(self, shape) -> recipe.Spec:
        """Return the recipe of the gradient that arrives at a result of this shape."""
        spec = recipe.ones(shape) if self.upstream == "ones" else recipe.uniform(shape)
        return {**spec, "seed": recipe.seed_of(self.op, self.id, "dy")}
