"""Operations on any frame: lookups by a composite key, and the difference of two snapshots."""
