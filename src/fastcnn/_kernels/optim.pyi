import numpy as np

def sgd_step(
    itemsize: int,
    updates: list[tuple[np.ndarray, np.ndarray, np.ndarray | None, bool]],
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
    updates: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray | None, int]],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None: ...
