"""Scanners and the words about them; knows devices, and nothing of the daemon."""
