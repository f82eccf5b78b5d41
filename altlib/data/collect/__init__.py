"""Collect posts live from a network into a folder."""
