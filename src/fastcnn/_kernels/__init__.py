"""Compiled kernels; see csrc/ for the C that they run. Not part of the public interface."""
