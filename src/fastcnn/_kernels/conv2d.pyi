import numpy as np

from .._shapes import Window

def conv2d(
    y: np.ndarray, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int, window: Window
) -> None: ...
def conv2d_backward_input(
    dx: np.ndarray, dy: np.ndarray, weight: np.ndarray, groups: int, window: Window
) -> None: ...
def conv2d_backward_weight(
    dweight: np.ndarray, dy: np.ndarray, x: np.ndarray, groups: int, window: Window
) -> None: ...
