"""What an answer of Medusa means: a typed value, or the fault that it tells."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import msgspec

from appliance.medusa.faults import MedusaChanged, MedusaRefused, MedusaUnreachable
from appliance.medusa.transport import Answer

T = TypeVar("T")
_LONGEST_WAIT = 300.0
_DEFAULT_WAIT = 5.0
_OVERLOADED = frozenset({408, 425, 429})


class Fault(msgspec.Struct):
    """An error as Medusa sends it."""

    type: str = ""
    message: str = ""


def raise_for_status(answer: Answer, now: float) -> None:
    """Raise the fault that the status tells, if it does; 401 and 403 are the caller's to judge.

    Raises ``MedusaUnreachable`` for what may pass, ``MedusaRefused`` for what will not. ``now``: Unix seconds.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if status in _OVERLOADED or (status == 503 and "Retry-After" in answer.headers):
        wait = retry_after(answer.headers, now)
        raise MedusaUnreachable(
            f"Medusa asks to be left alone for {wait:.0f} s ({status}).", reason="rate_limited", retry_after=wait
        )
    if status >= 500:
        raise MedusaUnreachable(f"Medusa failed ({status}).", reason="server_error", retry_after=_DEFAULT_WAIT)
    if status < 400:
        raise MedusaUnreachable(
            f"Medusa's address leads elsewhere ({status}), which is not followed.",
            reason="redirect",
            hint="Set medusa.url to the address where Medusa itself answers.",
        )
    fault = fault_of(answer)
    raise MedusaRefused(fault.message, status=status, type=fault.type)


def decode(answer: Answer, type: type[T], route: str) -> T:
    """Return a good answer's body as ``type``; unknown fields are ignored. ``route`` is named in the fault.

    Raises ``MedusaUnreachable`` when it is no JSON (cut off, garbage, a page), ``MedusaChanged`` when a field that is
    needed is missing or of another type.
    """
    if is_page(answer):
        raise MedusaUnreachable(
            "A web page came where Medusa's data should.",
            reason="html",
            hint="Set medusa.url to the address where Medusa itself answers, not a storefront or a log-in page.",
        )
    try:
        try:
            return msgspec.json.decode(answer.body, type=type)
        except msgspec.ValidationError as error:
            # A body that breaks off may first show a wrong type: only one that is whole tells what Medusa sends.
            msgspec.json.decode(answer.body)
            raise MedusaChanged(f"Medusa's answer to {route} is not as expected: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MedusaUnreachable("Medusa's answer is no whole JSON.", reason="garbage") from None


def fault_of(answer: Answer) -> Fault:
    """Return what Medusa says about an error, as far as it can be read."""
    if is_page(answer):
        return Fault(type="html", message="the answer is a web page")
    try:
        return msgspec.json.decode(answer.body, type=Fault)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Fault(type="unreadable")


def is_page(answer: Answer) -> bool:
    """Tell whether an answer is a web page."""
    kind: Any = answer.headers.get("Content-Type", "")
    return kind.lower().startswith(("text/html", "application/xhtml")) or answer.body.lstrip()[:1] == b"<"


def date_of(headers: httpx.Headers) -> float | None:
    """Return the time of Medusa's clock (Unix seconds) that an answer carries."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def retry_after(headers: httpx.Headers, now: float) -> float:
    """Return the seconds that Medusa, or a proxy before it, asks to wait; a date counts from its own clock."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return _DEFAULT_WAIT
    if value.isascii() and value.isdecimal():
        return min(float(value[:9]), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return _DEFAULT_WAIT
    return min(max(at - (date_of(headers) or now), 0.0), _LONGEST_WAIT)
