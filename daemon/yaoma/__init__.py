"""Yaoma (药码): the box at the counter."""

__all__ = ["__version__"]

__version__ = "0.1.0"
