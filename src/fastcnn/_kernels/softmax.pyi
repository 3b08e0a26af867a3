import numpy as np

def softmax(y: np.ndarray, x: np.ndarray, log: bool) -> None: ...
def softmax_backward(dx: np.ndarray, dy: np.ndarray, y: np.ndarray, log: bool) -> None: ...
def cross_entropy(
    losses: np.ndarray,
    dlogits: np.ndarray,
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    ignore_index: int,
    smoothing: float,
    scale: float,
) -> None: ...
def cross_entropy_soft(
    losses: np.ndarray,
    dlogits: np.ndarray,
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    smoothing: float,
    scale: float,
) -> None: ...
