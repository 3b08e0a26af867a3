from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

CHAINS: int
FULL_CHUNK: int
MOST_TILES: int
WEIGHT_TILE: int
TILE_POSITIONS: int
TILE_ROWS: int
TILE_TERMS: int
CHUNK: int
MOST_SLOTS: int
SUM_BLOCK: int
EACH_GROUP: int
EACH_THREAD: int
EACH_IN_HAND: int
TASK_COLUMNS: int
TASK_TAPS: int
TASK_SUMS: int
ROWS_IN_HAND: int
VECTORS_IN_HAND: int
TASK_TOTALS: int
OVER_GROUPS: int
OVER_TASKS: int
OVER_BANDS: int
BUFFERS: frozenset[str]
TABLES: frozenset[str]
SCALARS: frozenset[str]
DEBUG: bool

def declarations() -> list[tuple[str, str, list[str]]]: ...
def lanes(element: str) -> int: ...
def element_bytes(element: str) -> tuple[int, int]: ...
def products(element: str) -> tuple[int, bool]: ...
def max_block(element: str) -> int: ...
def max_vectors(element: str) -> int: ...
def slots(images: int) -> int: ...
def most_slots(size: int) -> int: ...
def task_channels(channels: int, places: int) -> int: ...
def linear_slots(images: int) -> list[tuple[int, int]]: ...
def slot_starts(images: int) -> list[int]: ...
def add_slots(values: np.ndarray, slot: np.ndarray, total: np.ndarray) -> None: ...
def add_results(results: np.ndarray) -> tuple[float, float]: ...
def unread(parameters: list, reads: list[int], references: int) -> bool: ...
def references(arrays: list, parameters: list) -> list[int]: ...
def add_one(counters: list[np.ndarray]) -> None: ...
def same(arrays: list[np.ndarray], copies: list[bytes]) -> bool: ...

class Program:
    def __init__(
        self,
        element: str,
        layout: str,
        ops: Sequence[tuple[str, str, Mapping[str, Any], int, int, int]],
        phases: Sequence[tuple[int, int, int]],
        externals: Sequence[Sequence[tuple[int, str]]],
    ) -> None: ...
    @property
    def op_count(self) -> int: ...
    @property
    def phase_count(self) -> int: ...
    def bind(self, op: int, name: str, array: np.ndarray | None) -> None: ...
    def point(self, op: int, name: str, array: np.ndarray | None) -> None: ...
    def set_scalar(self, op: int, name: str, value: float) -> None: ...
    def run(
        self,
        images: int,
        keys: np.ndarray,
        first_phase: int,
        last_phase: int,
        threads: int,
        arrays: tuple[np.ndarray | None, ...],
    ) -> None: ...
    def time_ops(
        self,
        seconds: np.ndarray,
        images: int,
        keys: np.ndarray,
        first_phase: int,
        last_phase: int,
        arrays: tuple[np.ndarray | None, ...],
    ) -> None: ...
