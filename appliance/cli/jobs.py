"""``appliance jobs``: what runs in the background, what waits, what ran, and what starts by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import quote
from zoneinfo import ZoneInfo

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.messages import Locale, catalogue, translate
from appliance.store.jobs import JobState

if TYPE_CHECKING:
    from appliance.cli.backend import Backend

_PATH = "/v1/admin/jobs"


@click.group()
def jobs() -> None:
    """Show, start, watch and cancel background jobs."""


@jobs.command(name="list")
@click.option("--kind", help="Only jobs of this kind.")
@click.option("--state", type=click.Choice(get_args(JobState)), help="Only jobs in this state.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
@pass_session
def list_(session: Session, kind: str | None, state: str | None, limit: int) -> None:
    """List the newest jobs, the newest first."""
    answer = session.ask("GET", _PATH, params={"kind": kind, "state": state, "limit": limit})
    if session.as_json:
        output.print_json(answer)
    elif answer["items"]:
        _print_jobs(answer["items"], session.locale)
    else:
        output.say(translate("job.none", session.locale))


@jobs.command()
@click.argument("job_id")
@json_option
@pass_session
def show(session: Session, job_id: str) -> None:
    """Show everything about one job."""
    job = session.ask("GET", _path(job_id))
    if session.as_json:
        output.print_json(job)
        return
    locale = session.locale
    names = translate("job.show_headings", locale).split("|")
    rest = [_text(job["args"]), job["priority"], job["attempts"], job["created_at"], _text(job["result"])]
    for name, value in zip(names, [*_row(job, locale), *rest], strict=True):
        output.print_line(f"{name}: {output.cell_text(value)}")


@jobs.command()
@click.argument("kind")
@click.option("--arg", "given", multiple=True, metavar="NAME=VALUE", help="What narrows the job; may be repeated.")
@click.option("--priority", type=click.IntRange(0, 100), help="Higher goes first. [default: the kind's own]")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@json_option
@pass_session
def run(session: Session, kind: str, given: Sequence[str], priority: int | None, detach: bool) -> int:
    """Start a job and follow it to its end: in the running process, or here beside none."""
    from appliance.cli.backend import open_backend

    body = {"kind": kind, "args": dict(map(_argument, given)), "priority": priority}
    label = _kind_text(kind, session.locale)
    with open_backend(session) as backend:
        job = backend.call("POST", _PATH, body=body)
        if not detach:
            with output.progress(label) as tell:
                job = backend.finish_job(job, tell)
        _tell_jobs(session, backend, [job])
    return 0 if detach else _exit_code(session, [job])


@jobs.command()
@click.argument("job_id", required=False)
@json_option
@pass_session
def watch(session: Session, job_id: str | None) -> int:
    """Follow a job to its end; without JOB_ID all that wait or run."""
    from appliance.cli.backend import open_backend

    with open_backend(session) as backend:
        found = [backend.call("GET", _path(job_id))] if job_id else _active(backend)
        if backend.running is not None:
            found = [_followed(backend, job, session.locale) for job in found]
        if found or session.as_json:
            _tell_jobs(session, backend, found)
        else:
            output.say(translate("job.none_active", session.locale))
    return 0 if backend.running is None else _exit_code(session, found)


@jobs.command()
@click.argument("job_id")
@json_option
@pass_session
def cancel(session: Session, job_id: str) -> None:
    """Cancel a job: at once when it waits; one that runs is asked to end."""
    job = session.ask("POST", f"{_path(job_id)}/cancel")
    if session.as_json:
        output.print_json(job)
        return
    output.say(translate("job.cancelling" if job["cancelling"] else "job.cancelled", session.locale, id=job["id"]))


@jobs.command()
@click.argument("job_id")
@json_option
@pass_session
def retry(session: Session, job_id: str) -> None:
    """Queue a job that failed or was cancelled once more, with the same arguments."""
    from appliance.cli.backend import open_backend

    with open_backend(session) as backend:
        _tell_jobs(session, backend, [backend.call("POST", f"{_path(job_id)}/retry")])


@jobs.command()
@json_option
@pass_session
def schedule(session: Session) -> None:
    """List what starts by itself: when it last did, and when it is next due."""
    answer = session.ask("GET", f"{_PATH}/schedule")
    if session.as_json:
        output.print_json(answer)
        return
    locale, zone = session.locale, answer["time_zone"]
    if not answer["items"]:
        output.say(translate("job.no_schedule", locale))
        return
    rows = [
        (
            entry["name"],
            _kind_text(entry["kind"], locale),
            entry["cron"] or translate("job.every", locale, seconds=f"{entry['period']:g}"),
            _clock(entry["last_run_at"], zone),
            _clock(entry["next_due_at"], zone) if entry["enabled"] else translate("job.switched_off", locale),
        )
        for entry in answer["items"]
    ]
    output.print_table(translate("job.schedule_headings", locale, zone=zone).split("|"), rows)


def _path(job_id: str) -> str:
    return f"{_PATH}/{quote(job_id, safe='')}"


def _argument(given: str) -> tuple[str, object]:
    """Return a NAME=VALUE as the API takes it: what reads as JSON is that, anything else a text."""
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{given!r} is not NAME=VALUE.", param_hint="--arg")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _active(backend: Backend) -> list[dict[str, Any]]:
    """Return the jobs that run and those that wait."""
    found: list[dict[str, Any]] = []
    for state in ("running", "queued"):
        found += backend.call("GET", _PATH, params={"state": state, "limit": 100})["items"][::-1]
    return found


def _followed(backend: Backend, job: dict[str, Any], locale: Locale) -> dict[str, Any]:
    with output.progress(_kind_text(job["kind"], locale)) as tell:
        return backend.finish_job(job, tell)


def _tell_jobs(session: Session, backend: Backend, found: Sequence[Mapping[str, Any]]) -> None:
    """Print some jobs, and say where those that wait are going to run."""
    if session.as_json:
        output.print_json({"items": found})
        return
    _print_jobs(found, session.locale)
    if backend.running is None and any(job["state"] == "queued" for job in found):
        output.say(translate("job.waits_for_start", session.locale))


def _exit_code(session: Session, found: Sequence[Mapping[str, Any]]) -> int:
    """Return 1 and say so when a job that was followed to its end was not done, so that scripts notice."""
    bad = next((job for job in found if job["state"] != "done"), None)
    if bad is None:
        return 0
    locale = session.locale
    kind, state = _kind_text(bad["kind"], locale), translate(f"job_state.{bad['state']}", locale)
    output.say(translate("job.not_done", locale, kind=kind, state=state, id=bad["id"]))
    return 1


def _print_jobs(found: Sequence[Mapping[str, Any]], locale: Locale) -> None:
    output.print_table(translate("job.headings", locale).split("|"), [_row(job, locale) for job in found])


def _row(job: Mapping[str, Any], locale: Locale) -> tuple[object, ...]:
    state = "cancelling" if job["cancelling"] else job["state"]
    return (
        job["id"],
        _kind_text(job["kind"], locale),
        translate(f"job_state.{state}", locale),
        f"{job['progress'] * 100:.0f} %",
        job["started_at"],
        job["ended_at"],
        job["error"] or job["message"],
    )


def _kind_text(kind: str, locale: Locale) -> str:
    """Return the name of a kind; one of another version of the appliance keeps its own."""
    return catalogue(locale).get(f"job_kind.{kind}", kind)


def _clock(moment: str | None, zone: str) -> str:
    """Return a moment as the shop's clock shows it."""
    return f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if moment else ""


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


COMMANDS = {"jobs": jobs}
