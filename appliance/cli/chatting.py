"""``appliance chat``: talk to the assistant in the terminal, as a shopper would on the storefront."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.cli.shelves import price_text
from appliance.errors import ApplianceError
from appliance.messages import Locale, translate
from appliance.text import clean_line

if TYPE_CHECKING:
    from appliance.cli.backend import Backend

_WITH_PERSON = ("waiting", "human")


@click.command()
@click.argument("message", nargs=-1)
@click.option("--session", "session_id", help="Go on with a conversation. [default: a new one]")
@click.option("--locale", type=click.Choice(["vi", "en"]), help="Language of the page that the shopper is on.")
@click.option("--trace", is_flag=True, help="Show what each agent made of a message, and how long it took.")
@json_option
@pass_session
def chat(
    session: Session, /, message: tuple[str, ...], session_id: str | None, locale: Locale | None, trace: bool
) -> None:
    """Send MESSAGE to the shop assistant, or without one talk to it line by line until Ctrl-D."""
    from appliance.cli.backend import open_backend

    with open_backend(session) as backend:
        talk = _Talk(backend, session_id or f"cli-{secrets.token_hex(8)}", locale, trace=trace)
        if message:
            answer = talk.send(" ".join(message))
            if session.as_json:
                output.print_json(answer)
            else:
                _show(answer, session.locale)
        elif session.as_json:
            output.print_json([talk.send(line) for line in _lines()])
        else:
            _converse(talk, session.locale)


class _Talk:
    """One conversation through a backend."""

    def __init__(self, backend: Backend, session_id: str, locale: Locale | None, *, trace: bool) -> None:
        self._backend = backend
        self.session_id = session_id
        self._locale = locale
        self._trace = trace
        self._position = -1

    def send(self, message: str) -> dict[str, Any]:
        """Return the answer to a message."""
        body = {"session_id": self.session_id, "message": message, "locale": self._locale or "", "trace": self._trace}
        answer: dict[str, Any] = self._backend.call("POST", "/v1/chat", body=body)
        return answer

    def from_staff(self) -> list[str]:
        """Return what the staff has said since the last look."""
        path = f"/v1/chat/sessions/{quote(self.session_id, safe='')}"
        found = self._backend.call("GET", path, params={"after": self._position})
        self._position = found["position"]
        return [turn["reply"] for turn in found["turns"] if turn["author"] == "staff"]


def _converse(talk: _Talk, locale: Locale) -> None:
    output.say(translate("cli.chat_hello", locale, session=output.safe(talk.session_id)))
    for line in _lines():
        try:
            answer = talk.send(line)
            _show(answer, locale)
            if answer["status"] in _WITH_PERSON:
                for text in talk.from_staff():
                    _print_text(translate("cli.chat_staff", locale, text=text))
        except ApplianceError as error:
            # A message that is refused, for its length or for haste, does not end the conversation.
            output.say(translate("cli.error", locale, message=output.safe(error.message)))


def _lines() -> Iterator[str]:
    """Yield what is typed, line by line, until the end of input."""
    if sys.stdin.isatty():
        import contextlib

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  (line editing and history for input())
    while True:
        try:
            line = input("> ") if sys.stdin.isatty() else sys.stdin.readline()
        except EOFError:
            output.say("")
            return
        if not line and not sys.stdin.isatty():
            return
        if line.strip():
            yield line.strip()


def _show(answer: Mapping[str, Any], locale: Locale) -> None:
    _print_text(answer["reply"])
    if answer["products"]:
        headings = translate("cli.chat_products", locale).split("|")
        output.print_table(headings, [_product(item, locale) for item in answer["products"]])
    if answer["quick_replies"]:
        choices = "  ".join(f"[{clean_line(choice)}]" for choice in answer["quick_replies"])
        output.say(translate("cli.chat_choices", locale, choices=choices))
    if answer["status"] in _WITH_PERSON:
        output.say(translate(f"cli.chat_{answer['status']}", locale))
    if "trace" in answer:
        whole = f"{answer['handled_by']} · {answer['action']}"
        rows = [(step["agent"], step["took_ms"], _told(step["output"])) for step in answer["trace"]]
        output.print_table(translate("cli.chat_trace", locale).split("|"), [*rows, ("=", answer["took_ms"], whole)])


def _product(item: Mapping[str, Any], locale: Locale) -> tuple[str, ...]:
    title = item["title_en"] if locale == "en" and item["title_en"] else item["title"]
    return title, price_text(item, locale), item["handle"], item["reason"]


def _print_text(text: str) -> None:
    for line in text.split("\n"):
        output.print_line(line)


def _told(found: Mapping[str, Any]) -> str:
    """Return what an agent found on one line, without what is empty."""
    return " · ".join(f"{name}: {_value(value)}" for name, value in found.items() if value not in ("", [], {}, None))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        is_flat = all(isinstance(part, (str, int, float)) for part in value)
        return (" " if is_flat and len(value) == 2 and isinstance(value[1], float) else ", ").join(map(_value, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


COMMANDS = {"chat": chat}
