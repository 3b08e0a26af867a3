import numpy as np

def channel_sums(sums: np.ndarray, x: np.ndarray) -> None: ...
def batch_norm_statistics(mean: np.ndarray, var: np.ndarray, x: np.ndarray) -> None: ...
def batch_norm(
    y: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    invstd: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
) -> None: ...
def batch_norm_backward(
    dx: np.ndarray,
    dweight: np.ndarray,
    dbias: np.ndarray,
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    invstd: np.ndarray,
    weight: np.ndarray | None,
    training: bool,
) -> None: ...
def row_statistics(mean: np.ndarray, var: np.ndarray, x: np.ndarray) -> None: ...
def group_norm(
    y: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    invstd: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
) -> None: ...
def group_norm_backward_input(
    dx: np.ndarray,
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    invstd: np.ndarray,
    weight: np.ndarray | None,
) -> None: ...
def group_norm_backward_weight(
    dweight: np.ndarray,
    dbias: np.ndarray,
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    invstd: np.ndarray,
) -> None: ...
def local_response_norm(
    y: np.ndarray, x: np.ndarray, before: int, behind: int, share: float, beta: float, k: float
) -> None: ...
def local_response_norm_backward(
    dx: np.ndarray,
    products: np.ndarray,
    dy: np.ndarray,
    x: np.ndarray,
    before: int,
    behind: int,
    share: float,
    beta: float,
    k: float,
) -> None: ...
