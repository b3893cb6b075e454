"""Which Medusa answers: only Medusa 2 can be used."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.medusa.answers import fault_of, is_page
from appliance.medusa.client import MedusaClient
from appliance.medusa.credentials import LOGIN_PATH
from appliance.medusa.faults import MedusaTooOld, MedusaUnreachable
from appliance.medusa.transport import Answer

_V1_PATH = "/store/regions"
"""Medusa 1 shows its regions to everybody; Medusa 2 asks for a publishable key first."""


def require_version_2(client: MedusaClient) -> None:
    """Return when Medusa 2 answers. Raises ``MedusaTooOld`` for Medusa 1 and for what is no Medusa.

    Raises ``MedusaUnreachable`` when nothing answers, or too little to tell.
    """
    answer = client.ask("POST", LOGIN_PATH, {"email": "nobody@appliance.invalid", "password": "no-such-login"})
    if answer.status == 200 and not is_page(answer):
        return
    if answer.status == 401 and fault_of(answer).type == "unauthorized":
        return
    if answer.status >= 500 or answer.status in (408, 425, 429):
        failed = MedusaUnreachable(f"Medusa failed ({answer.status}).", reason="server_error")
        client.note_unreachable(failed)
        raise failed
    fault = _unsupported(answer, client)
    client.note_unsupported(fault)
    raise fault


def _unsupported(answer: Answer, client: MedusaClient) -> MedusaTooOld:
    if answer.status == 404 and _shows_regions(client.ask("GET", _V1_PATH)):
        return MedusaTooOld(
            "This shop runs Medusa 1, and the appliance works with Medusa 2.",
            hint="Upgrade the shop to Medusa 2 (Medusa's documentation has a guide), or import its files meanwhile.",
        )
    return MedusaTooOld(
        f"What answers at medusa.url is no Medusa 2 ({answer.status} where its log-in should be).",
        hint="Set medusa.url to the address of Medusa's server, which is another one than the storefront's.",
    )


def _shows_regions(answer: Answer) -> bool:
    if answer.status != 200:
        return False
    try:
        return "regions" in msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return False
