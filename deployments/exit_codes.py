"""Exit statuses of a warm worker, by why it ended. Numbers: the supervisor reads them without importing Prefect."""

STOPPED = 0
"""It was asked to stop."""

FAILED = 1
"""It could not go on (for example: the pool is of another type)."""

STUCK = 81
"""A run went on after it was cancelled, or the event loop stood still: only a new process helps."""

GREW = 82
"""Its memory passed the limit; it finished its runs first."""
