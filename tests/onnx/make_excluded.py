"""Find out which of the onnx package's tests fastcnn does not pass: ``python -m tests.onnx.make_excluded``.

It writes `excluded.txt`, names below the reason of each, and ends if a test fails for another reason.
"""

import re
from collections import defaultdict

from .backend import known_tests
from .test_backend import EXCLUDED

# What the message of an error tells.
REASONS = {
    "samples without an axis, a batch of single numbers": r"input_shape must be a tuple such as .* got \(\)$",
    "samples without elements": r"input_shape must be at least 1, got 0",
    "samples of more than three axes": r"got 5 axes|input_shape must be \(C, H, W\)|got 6 axes",
    "mixes the samples of a batch": r"mix the samples|over the batch|batch where it is|must not be the batch"
    r"|size of the batch|same for every sample|is not the batch|a batch axis of its own|transA must be 0"
    r"|of the batch",
    "other numbers than float32 and float64": r"floating point|elements of a type that is not known"
    r"|no attribute 'dtype'|dtype|must be float32",
    "products of two values, or with many matrices": r"two values have no product|matrix must have two axes",
    "weights that are values": r"must be known when the file is read",
    "values of different axes": r"sizes must be equal or 1|add of values of",
    "comparisons and choices of values": r"for what depends on the input|compared with one number"
    r"|must be x where|of several values there is no such",
    "repeated values": r"repeats a value",
    "no output depends on the input": r"does not depend on the input|must depend on the input",
    "a second output that is not known": r"that is not known here of",
    "training": r"training_mode must be",
    "means of spread windows, or with wide margins": r"dilations must be 1|at most half of the kernel",
    "a part of an image as it is cut out": r"tf_crop_and_resize",
    "images that keep a ratio which makes a part of a line": r"a part of one too few",
    "parts without elements": r"split must be",
    "slopes of the last axis": r"slope must be one number",
    "shrinks by one number and shifts by another": r"bias must be 0 or lambd",
    "computes with what the onnx package cannot compute": r"cannot be computed",
}


def main() -> None:
    """Run all tests, and write the list."""
    found, missing = defaultdict(list), []
    for name, run in known_tests().items():
        try:
            run(None)
        except Exception as error:
            told = str(error)
            reason = next((each for each, message in REASONS.items() if re.search(message, told)), None)
            if reason is None:
                missing.append(f"{name}: {type(error).__name__}: {told}")
            else:
                found[reason].append(name)
    if missing:
        raise AssertionError("\n".join(["no reason for", *missing]))
    parts = [
        f"# {reason}\n" + "".join(f"{name}\n" for name in found[reason])
        for reason in REASONS
        if found[reason]
    ]
    EXCLUDED.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
