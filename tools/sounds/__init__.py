"""Synthetic sounds of our own; see tools/make_sounds.py."""
