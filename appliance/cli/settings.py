"""``appliance settings``: what is in force, where it came from, what it means; and how to change it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from typing import Any

import click
import msgspec

from appliance.cli import output
from appliance.cli.failures import say_error
from appliance.cli.session import Session, json_option, pass_session
from appliance.errors import InvalidSetting
from appliance.messages import translate
from appliance.ops.process import read_running
from appliance.ops.settings_file import write_settings
from appliance.settings import LoadedSettings, env_name, flatten, parse_value, shown
from appliance.settings import sections as definitions


@click.group()
def settings() -> None:
    """Show or change settings."""


@settings.command()
@click.argument("prefix", default="")
@json_option
@pass_session
def show(session: Session, prefix: str) -> int:
    """List every setting, its value, where that came from and what it means; only those that begin with PREFIX.

    A wrong one is marked and shown as it would be without it; the exit code is then 2.
    """
    meanings = field_meanings()
    faults: list[InvalidSetting] = []
    in_force = _in_force(session, faults)
    reasons = {path: fault.message for fault in faults for path, _ in fault.fields}
    listed = [
        {**entry, "meaning": meanings.get(entry["key"], ""), **_fault(entry["key"], reasons)}
        for entry in in_force
        if entry["key"].startswith(prefix)
    ]
    if session.as_json:
        errors = [{"message": fault.message, "hint": fault.hint} for fault in faults]
        output.print_json({"settings": listed} | ({"errors": errors} if faults else {}))
    else:
        output.print_table(translate("cli.settings_headings", session.locale).split("|"), list(_rows(listed)))
    for fault in faults:
        say_error(fault.message, fault.hint, session.locale)
    return faults[0].exit_code if faults else 0


def _fault(key: str, reasons: dict[str, str]) -> dict[str, str]:
    reason = reasons.get(key) or reasons.get(env_name(key))
    return {} if reason is None else {"error": reason}


def _rows(listed: Iterable[dict[str, Any]]) -> Iterable[tuple[str, ...]]:
    for entry in listed:
        mark = "✗ " if "error" in entry else ""
        origin = f"{entry['origin']} {entry['origin_name']}".strip()
        yield f"{mark}{entry['key']}", _value_text(entry["value"]), origin, entry.get("error", entry["meaning"])


@settings.command(name="set")
@click.argument("key")
@click.argument("value")
@json_option
@pass_session
def set_(session: Session, key: str, value: str) -> None:
    """Write KEY (section.key) to appliance.toml of the data directory."""
    parsed = parse_value(key, value)
    data_dir = session.prepare()
    running = read_running(data_dir)
    if running is not None:
        from appliance.cli.backend import RemoteBackend, remote_client

        with remote_client(running, session.locale) as client:
            body = {"settings": {key: msgspec.to_builtins(parsed)}}
            changed = RemoteBackend(client, running).call("PATCH", "/v1/admin/settings", body=body)
    else:
        write_settings(data_dir, {key: parsed})
        above = session.load(faults=[]).origins[key].kind in ("environment", "flag")
        changed = {"written": [key], "restart_needed": [], "overridden": [key] if above else []}
    if session.as_json:
        output.print_json(changed)
        return
    output.say(translate("cli.setting_written", session.locale, key=key))
    for name in changed["overridden"]:
        output.say(translate("cli.setting_overridden", session.locale, key=name))
    if changed["restart_needed"]:
        output.say(translate("cli.setting_restart", session.locale))


def field_meanings() -> dict[str, str]:
    """Return the docstring of every setting, keyed ``section.key``: the text below the field in its class."""
    tree = ast.parse(inspect.getsource(definitions))
    classes = {node.name: _documented(node) for node in tree.body if isinstance(node, ast.ClassDef)}
    sections = msgspec.structs.fields(definitions.Settings)
    return {
        f"{section.name}.{field}": text
        for section in sections
        for field, text in classes.get(section.type.__name__, {}).items()
    }


def _documented(node: ast.ClassDef) -> dict[str, str]:
    texts: dict[str, str] = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            texts[field.target.id] = " ".join(after.value.value.replace("``", "`").split())
    return texts


def _in_force(session: Session, faults: list[InvalidSetting]) -> list[dict[str, Any]]:
    """Return the settings of the running process, else those that the next start would have, and what is wrong."""
    running = read_running(session.data_dir)
    if running is None:
        return _listed(session.load(faults=faults))
    from appliance.cli.backend import RemoteBackend, remote_client

    with remote_client(running, session.locale) as client:
        listed: list[dict[str, Any]] = RemoteBackend(client, running).call("GET", "/v1/admin/settings")["settings"]
    return listed


def _listed(loaded: LoadedSettings) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "value": shown(value),
            "origin": loaded.origins[key].kind,
            "origin_name": loaded.origins[key].name,
        }
        for key, value in flatten(loaded.settings)
    ]


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


COMMANDS = {"settings": settings}
