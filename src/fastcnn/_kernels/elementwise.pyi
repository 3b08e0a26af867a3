import numpy as np

# The number of each activation, by its name.
ACTIVATIONS: dict[str, int]

def activation(y: np.ndarray, x: np.ndarray, number: int, alpha: float, beta: float) -> None: ...
def activation_backward(
    dx: np.ndarray, dy: np.ndarray, kept: np.ndarray, number: int, alpha: float, beta: float
) -> None: ...
def dropout_mask(mask: np.ndarray, key: int, p: float) -> None: ...
