import numpy as np

# An array, or the factors dy and x of dy^T x.
Gradient = np.ndarray | tuple[np.ndarray, np.ndarray]

def gradient_of_factors(out: np.ndarray, dy: np.ndarray, x: np.ndarray) -> None: ...
def largest(itemsize: int, arrays: list[np.ndarray]) -> float: ...
def copy_arrays(targets: list[np.ndarray], sources: list[np.ndarray]) -> None: ...
def sgd_step(
    itemsize: int,
    updates: list[tuple[np.ndarray, Gradient, np.ndarray | None, bool]],
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> None: ...
def adam_step(
    itemsize: int,
    updates: list[tuple[np.ndarray, Gradient, np.ndarray, np.ndarray, np.ndarray | None, int]],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None: ...
