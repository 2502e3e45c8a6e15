"""Validating what was read, reconciling it, and approving a saved plan."""
