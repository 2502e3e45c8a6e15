"""Alerts by way of Prefect: receivers as blocks, automations as data, and what is told when nothing runs."""
