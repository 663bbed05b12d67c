"""Roads as places."""
