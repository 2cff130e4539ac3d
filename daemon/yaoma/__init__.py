"""Yaoma (药码): the box at the counter."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("yaoma")
