"""Tandem: one bill for two carriers."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tandem")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0"
