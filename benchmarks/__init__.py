"""Measurements of speed, each beside its floor or its baseline in the same run; see README.md."""
