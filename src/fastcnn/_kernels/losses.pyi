import numpy as np

ROWS: dict[str, int]

def cross_entropy(
    losses: np.ndarray,
    dlogits: np.ndarray,
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    ignore_index: int,
    smoothing: float,
    scale: float,
    share: np.ndarray | None = None,
) -> None: ...
def cross_entropy_soft(
    losses: np.ndarray,
    dlogits: np.ndarray,
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    smoothing: float,
    scale: float,
    share: np.ndarray | None = None,
) -> None: ...
def nll_loss(
    losses: np.ndarray,
    dx: np.ndarray,
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    ignore_index: int,
    scale: float,
    share: np.ndarray | None = None,
) -> None: ...
def multi_margin_loss(
    losses: np.ndarray,
    dx: np.ndarray,
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    power: int,
    margin: float,
    scale: float,
    share: np.ndarray | None = None,
) -> None: ...
def elementwise_loss(
    sums: np.ndarray,
    dx: np.ndarray,
    dk: np.ndarray | None,
    losses: np.ndarray | None,
    x: np.ndarray,
    target: np.ndarray,
    k: np.ndarray | None,
    weight: np.ndarray | None,
    row: int,
    alpha: float,
    beta: float,
    scale: float,
    share: np.ndarray | None = None,
) -> None: ...
