"""The schema of ``jobs.db``. Huey keeps its doorbell tables in the same file and makes them itself."""

from __future__ import annotations

from sqlite_utils import Database

from appliance.store.migrations import Migration

_INITIAL = (
    """create table job (
        id text primary key,
        kind text not null,
        args text not null,
        state text not null check (state in ('queued', 'running', 'done', 'failed', 'dead')),
        progress real not null default 0,
        message text not null default '',
        created_at real not null,
        started_at real,
        ended_at real,
        run_after real not null default 0,
        attempts integer not null default 0,
        max_attempts integer not null,
        owner text not null default '',
        lease_until real not null default 0,
        error text not null default '',
        result text
    ) strict""",
    # Two of one kind are never waiting or running at once, whoever submits them.
    "create unique index job_active_kind on job (kind) where state in ('queued', 'running')",
    "create index job_created on job (created_at)",
    "create table periodic (name text primary key, last_due real not null) strict",
)


def _initial(db: Database) -> None:
    for statement in _INITIAL:
        db.execute(statement)


def _let_jobs_wait_behind_one_that_runs(db: Database) -> None:
    db.execute("drop index job_active_kind")
    db.execute("create unique index job_running_kind on job (kind) where state = 'running'")
    db.execute("create index job_queued on job (kind) where state = 'queued'")


_PRIORITIES = (
    "drop index job_running_kind",
    "drop index job_queued",
    "drop index job_created",
    # SQLite cannot change a check; the rows keep their order, which tells equals in time apart.
    """create table job_3 (
        id text primary key,
        kind text not null,
        args text not null,
        state text not null check (state in ('queued', 'running', 'done', 'failed', 'dead', 'cancelled')),
        priority integer not null default 50,
        heavy integer not null default 0 check (heavy in (0, 1)),
        cancelling integer not null default 0 check (cancelling in (0, 1)),
        progress real not null default 0,
        message text not null default '',
        created_at real not null,
        started_at real,
        ended_at real,
        run_after real not null default 0,
        attempts integer not null default 0,
        max_attempts integer not null,
        owner text not null default '',
        lease_until real not null default 0,
        error text not null default '',
        result text
    ) strict""",
    """insert into job_3 (id, kind, args, state, progress, message, created_at, started_at, ended_at, run_after,
        attempts, max_attempts, owner, lease_until, error, result)
    select id, kind, args, state, progress, message, created_at, started_at, ended_at, run_after,
        attempts, max_attempts, owner, lease_until, error, result from job order by rowid""",
    "drop table job",
    "alter table job_3 rename to job",
    "create unique index job_running_kind on job (kind) where state = 'running'",
    # One heavy job at a time, whoever claims it.
    "create unique index job_running_heavy on job (heavy) where state = 'running' and heavy = 1",
    "create index job_queued on job (kind) where state = 'queued'",
    "create index job_created on job (created_at)",
    "alter table periodic add column submitted_at real",
)


def _give_jobs_a_priority(db: Database) -> None:
    for statement in _PRIORITIES:
        db.execute(statement)


MIGRATIONS: tuple[Migration[Database], ...] = (
    Migration(1, "jobs and periodic submissions", _initial),
    Migration(2, "jobs wait behind one of their kind that runs", _let_jobs_wait_behind_one_that_runs),
    Migration(3, "priorities, heavy jobs, cancelling", _give_jobs_a_priority),
)
