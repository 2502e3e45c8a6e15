"""Alembic's home inside the package: env.py and the versions."""
