import numpy as np

from .._shapes import Window

def max_pool2d(y: np.ndarray, argmax: np.ndarray, x: np.ndarray, window: Window) -> None: ...
def max_pool2d_backward(dx: np.ndarray, dy: np.ndarray, argmax: np.ndarray) -> bool: ...
def avg_pool2d(
    y: np.ndarray,
    x: np.ndarray,
    window: Window,
    pad_bottom: int,
    pad_right: int,
    count_include_pad: bool,
    divisor: int,
) -> None: ...
def avg_pool2d_backward(
    dx: np.ndarray,
    dy: np.ndarray,
    window: Window,
    pad_bottom: int,
    pad_right: int,
    count_include_pad: bool,
    divisor: int,
) -> None: ...
def adaptive_max_pool2d(y: np.ndarray, argmax: np.ndarray, x: np.ndarray) -> None: ...
def adaptive_avg_pool2d(y: np.ndarray, x: np.ndarray) -> None: ...
def adaptive_avg_pool2d_backward(dx: np.ndarray, dy: np.ndarray) -> None: ...
