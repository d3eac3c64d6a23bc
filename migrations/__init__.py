"""Alembic's environment and the schema's versions; run by `rsidx.store.migrate`."""
