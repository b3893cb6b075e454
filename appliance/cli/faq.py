"""``appliance faq``: the owner's answers, and what would be answered to a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.messages import Locale, translate

_SHOWN = 60
"""Characters of a question or answer in a list."""


@click.group()
def faq() -> None:
    """List, add or remove the assistant's answers, or try a question."""


@faq.command(name="list")
@json_option
@pass_session
def list_(session: Session) -> None:
    """List all answers, the oldest first."""
    answer = session.ask("GET", "/v1/admin/faq")
    if session.as_json:
        output.print_json(answer)
        return
    if not answer["items"]:
        output.say(translate("cli.no_faq", session.locale))
        return
    rows = [_row(entry, session.locale) for entry in answer["items"]]
    output.print_table(translate("cli.faq_headings", session.locale).split("|"), rows)


@faq.command()
@click.option("--vi", help="The answer in Vietnamese.")
@click.option("--en", help="The answer in English.")
@click.option("--intent", default="", help="What it answers as such, for example shipping_fee.")
@click.option("--question", "asked", multiple=True, help="A question that it answers; repeatable.")
@click.option("--question-en", "asked_en", multiple=True, help="The same in English.")
@click.option("--off", is_flag=True, help="Keep it switched off.")
@json_option
@pass_session
def add(
    session: Session,
    /,
    vi: str | None,
    en: str | None,
    intent: str,
    asked: tuple[str, ...],
    asked_en: tuple[str, ...],
    off: bool,
) -> None:
    """Add an answer that counts from the next message on; it needs --intent or --question, and --vi or --en."""
    body = {
        "answers": {name: text for name, text in (("vi", vi), ("en", en)) if text is not None},
        "questions": {"vi": list(asked), "en": list(asked_en)},
        "intent": intent,
        "enabled": not off,
    }
    made = session.ask("POST", "/v1/admin/faq", body=body)
    if session.as_json:
        output.print_json(made)
        return
    output.print_line(made["id"])
    output.say(translate("cli.faq_added", session.locale))


@faq.command()
@click.argument("entry_id")
@json_option
@pass_session
def remove(session: Session, entry_id: str) -> None:
    """Remove an answer at once; ENTRY_ID is the one that `list` shows."""
    session.ask("DELETE", f"/v1/admin/faq/{quote(entry_id, safe='')}")
    if session.as_json:
        output.print_json({"removed": entry_id})
        return
    output.say(translate("cli.faq_removed", session.locale, id=output.safe(entry_id)))


@faq.command()
@click.argument("question", nargs=-1, required=True)
@click.option("--locale", type=click.Choice(["vi", "en"]), help="Language of the page that the shopper is on.")
@json_option
@pass_session
def preview(session: Session, /, question: tuple[str, ...], locale: Locale | None) -> None:
    """Tell what would be answered to QUESTION, and which answers are near it. Nothing is kept."""
    body = {"question": " ".join(question), "locale": locale or ""}
    found = session.ask("POST", "/v1/admin/faq/preview", body=body)
    if session.as_json:
        output.print_json(found)
        return
    for line in found["reply"].split("\n"):
        output.print_line(line)
    understood = {"intent": found["intent"], "confidence": f"{found['confidence']:.2f}", "rule": found["rule"] or "-"}
    output.say(translate("cli.faq_understood", session.locale, **understood))
    if not found["answered"]:
        output.say(translate("cli.faq_unanswered", session.locale))
    matches = [("→", found["entry"])] * bool(found["entry"]) + [("", near) for near in found["near"]]
    if matches:
        # An entry without a question of its own answers what the intent says.
        rows = [(mark, hit["id"], hit["score"], _short(hit["question"] or found["intent"])) for mark, hit in matches]
        output.print_table(translate("cli.faq_near_headings", session.locale).split("|"), rows)


def _row(entry: Mapping[str, Any], locale: Locale) -> tuple[object, ...]:
    questions = [text for texts in entry["questions"].values() for text in texts]
    more = f" (+{len(questions) - 1})" if len(questions) > 1 else ""
    answer = entry["answers"].get(locale) or next(iter(entry["answers"].values()))
    return (
        entry["id"],
        entry["intent"],
        _short(questions[0]) + more if questions else "",
        _short(answer),
        " ".join(sorted(entry["answers"])),
        translate("cli.rule_on" if entry["enabled"] else "cli.rule_off", locale),
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


COMMANDS = {"faq": faq}
