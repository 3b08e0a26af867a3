"""Train and run small convolutional networks on CPUs."""

from ._version import __version__
