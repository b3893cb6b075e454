"""How the connection to Medusa is shown."""

from __future__ import annotations

from appliance.errors import ApplianceError
from appliance.medusa.faults import MedusaUnreachable
from appliance.messages import Locale, catalogue
from appliance.runtime import Runtime
from appliance.server.present import moment
from appliance.server.sync_schemas import ConnectionOut


def said_of(error: ApplianceError, locale: Locale) -> tuple[str, str]:
    """Return what went wrong between here and Medusa, and what to do, in the owner's words."""
    messages = catalogue(locale)
    if isinstance(error, MedusaUnreachable):
        text = messages.get(f"medusa.offline.{error.reason}") or messages["medusa.offline"]
        return text, messages["issue.medusa_offline.fix"]
    code = error.code
    return messages.get(f"issue.{code}") or error.message, messages.get(f"issue.{code}.fix") or error.hint


def connection_out(runtime: Runtime, locale: Locale) -> ConnectionOut:
    """Return the state of the connection to Medusa; ``off`` where none is set up."""
    messages = catalogue(locale)
    if runtime.medusa is None:
        return ConnectionOut(state="off", message=messages["medusa.off"])
    now = runtime.medusa.client.state
    text = messages.get(f"medusa.{now.state}.{now.reason}") or messages[f"medusa.{now.state}"]
    return ConnectionOut(
        state=now.state,
        reason=now.reason,
        message=text,
        since=moment(now.since),
        last_ok_at=None if now.last_ok is None else moment(now.last_ok),
        last_error=now.last_error,
    )
