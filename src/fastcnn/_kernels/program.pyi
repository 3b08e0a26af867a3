from collections.abc import Sequence

import numpy as np

CHAINS: int
SLOTS: int
SUM_BLOCK: int
TOGETHER: int
EACH_GROUP: int
EACH_THREAD: int
EACH_TOGETHER: int
TASK_COLUMNS: int
OVER_GROUPS: int
OVER_TASKS: int
OVER_BANDS: int
TASK_TAPS: int
TASK_TOTALS: int

def lanes(itemsize: int) -> int: ...
def max_block(itemsize: int) -> int: ...
def max_vectors(itemsize: int) -> int: ...
def alone(parameters: list, reads: list[int], references: int) -> bool: ...
def references(arrays: list, parameters: list) -> list[int]: ...
def same(arrays: list[np.ndarray], copies: list[bytes]) -> bool: ...

class Program:
    def __init__(
        self,
        itemsize: int,
        images_per_group: int,
        ops: Sequence[tuple],
        phases: Sequence[tuple],
        externals: Sequence[Sequence[tuple[int, int]]],
    ) -> None: ...
    @property
    def op_count(self) -> int: ...
    @property
    def phase_count(self) -> int: ...
    def bind(self, op: int, index: int, array: np.ndarray | None) -> None: ...
    def point(self, op: int, index: int, array: np.ndarray) -> None: ...
    def set_scalar(self, op: int, index: int, value: float) -> None: ...
    def run(
        self,
        batch: int,
        keys: np.ndarray,
        first_phase: int,
        last_phase: int,
        threads: int,
        arrays: tuple[np.ndarray | None, ...],
    ) -> None: ...
    def time_ops(
        self,
        seconds: np.ndarray,
        batch: int,
        keys: np.ndarray,
        first_phase: int,
        last_phase: int,
        arrays: tuple[np.ndarray | None, ...],
    ) -> None: ...
