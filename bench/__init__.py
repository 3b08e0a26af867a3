"""Benchmarks of fastcnn; run them with ``make bench``."""
