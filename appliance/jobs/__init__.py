"""The job queue: Huey rings the bell, a row in SQLite is the truth."""
