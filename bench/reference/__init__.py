"""The parts of ``bench.reference_systems``."""
