"""Writing a plan to the billings, and reading back what was written."""
