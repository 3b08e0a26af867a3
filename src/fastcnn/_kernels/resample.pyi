import numpy as np

def resample(
    y: np.ndarray,
    x: np.ndarray,
    row_first: np.ndarray,
    row_at: np.ndarray,
    row_weight: np.ndarray | None,
    column_first: np.ndarray,
    column_at: np.ndarray,
    column_weight: np.ndarray | None,
) -> None: ...
