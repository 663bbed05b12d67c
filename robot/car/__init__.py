"""The car."""
