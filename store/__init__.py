"""The index's database: tables, sessions, queries, and the runner of the migrations."""
