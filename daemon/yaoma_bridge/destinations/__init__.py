"""Destinations: the systems that the bridge uploads to."""
