"""Whether the contenders answer the same: losses of the first steps, or logits."""

from __future__ import annotations

import numpy as np

from .process import Worker

# How far an answer may be from the first worker's, as a share of its largest number. bfloat16 has 8 bits, so
# a factor is rounded by up to 4e-3 of itself, and logits of the networks here differ by up to 7e-3. float16,
# which OpenVINO chooses on some processors, is more exact.
LOGITS_TOLERANCES = {"float32": 1e-4, "bfloat16": 2e-2, "float16": 2e-2}
# The same for the loss of each step: the first has seen no gradient, and batch norm of small batches makes
# more of every difference from step to step: with bfloat16 up to 5e-2 of four images' loss after one step,
# 3e-1 after two.
LOSS_TOLERANCES = {"float32": (1e-4, 1e-3, 1e-3), "bfloat16": (2e-2, 1e-1)}
CHECKED_STEPS = len(LOSS_TOLERANCES["float32"])


class AnswerError(RuntimeError):
    """The contenders do not answer the same."""


def compare_answers(
    workers: dict[str, Worker], configurations: dict[str, dict[str, str]], training: bool
) -> None:
    """Compare the losses of some steps, or the logits, of each configuration with those of the first worker.

    Parameters
    ----------
    workers : dict
    configurations : dict
        Worker -> configuration -> precision, as `rounds.prepare` returned them.
    training : bool

    Raises
    ------
    AnswerError
        If they differ by more than rounding.
    """
    expected: np.ndarray | None = None
    for name, worker in workers.items():
        answers = worker.ask("losses", steps=CHECKED_STEPS) if training else worker.ask("logits")
        for configuration, answer in answers.items():
            array = np.array(answer)
            who = f"{name} {configuration}".strip()
            if not np.isfinite(array).all():
                raise AnswerError(f"{who}: not finite")
            expected = array if expected is None else expected
            precision = configurations[name][configuration]
            if training:
                pairs = [(i, tolerance) for i, tolerance in enumerate(LOSS_TOLERANCES[precision], 1)]
                pairs = pairs[: len(array)]
            else:
                pairs = [(len(array), LOGITS_TOLERANCES[precision])]
            for count, tolerance in pairs:
                error = np.abs(array[:count] - expected[:count]).max() / np.abs(expected[:count]).max()
                if error > tolerance:
                    raise AnswerError(f"{who}: differs by {error:.2g} of the largest number")
