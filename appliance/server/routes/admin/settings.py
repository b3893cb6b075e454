"""Settings: what is in force and where it came from; changes go to ``appliance.toml``."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, get, patch

from appliance.domain import said_plainly
from appliance.errors import DiskFull, InvalidSetting, StoreError
from appliance.ops.settings_file import write_settings
from appliance.server.admin_schemas import SettingOut, SettingsChanged, SettingsOut, SettingsPatch
from appliance.server.body import read_body, whole_numbers
from appliance.server.exchange import runtime_of
from appliance.settings import LoadedSettings, flatten, shown, to_secret


@get("/settings", operation_id="getSettings", summary="All settings and their origins")
async def read_settings(request: Request[Any, Any, Any]) -> SettingsOut:
    """List the settings in force; ``origin`` says who set them."""
    loaded = runtime_of(request).loaded
    return SettingsOut(
        settings=[
            SettingOut(
                key=key,
                value=shown(value),
                origin=loaded.origins[key].kind,
                origin_name=loaded.origins[key].name,
            )
            for key, value in flatten(loaded.settings)
        ]
    )


@patch("/settings", operation_id="changeSettings", summary="Change settings")
async def change_settings(request: Request[Any, Any, Any]) -> SettingsChanged:
    """Write new values; nothing is written unless all are right. They count from the next start."""
    data = await read_body(request, SettingsPatch)
    runtime = runtime_of(request)
    values = _checked(runtime.loaded, data.settings)
    await asyncio.to_thread(_write, runtime.data_dir, values)
    return _changed(runtime.loaded, values)


def _write(data_dir: Path, values: dict[str, Any]) -> None:
    try:
        write_settings(data_dir, values)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull("appliance.toml cannot be written: the disk is full.") from error
        raise StoreError(f"appliance.toml cannot be written: {error}.") from error


def _checked(loaded: LoadedSettings, values: dict[str, Any]) -> dict[str, Any]:
    """Judge all values together, so that nothing is written unless all are right."""
    known = dict(flatten(loaded.settings))
    faults = [(key, "there is no such setting") for key in values if key not in known]
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key in known:
            try:
                checked[key] = _value(loaded, key, value)
            except msgspec.ValidationError as error:
                faults.append((key, said_plainly(str(error).partition(" - at ")[0])))
    if faults:
        raise InvalidSetting(
            "Not every setting can be used; nothing was changed.",
            hint="`appliance settings show` lists the settings.",
            fields=tuple(faults),
        )
    return checked


def _value(loaded: LoadedSettings, key: str, value: Any) -> Any:
    """Return a value as its setting has it. Raises ``msgspec.ValidationError``."""
    section, name = key.split(".", 1)
    tree = msgspec.structs.asdict(getattr(loaded.settings, section))
    kind = type(getattr(loaded.settings, section))
    try:
        return getattr(msgspec.convert({**tree, name: value}, kind, dec_hook=to_secret), name)
    except msgspec.ValidationError:
        if not isinstance(value, float):
            raise
        return getattr(msgspec.convert({**tree, name: whole_numbers(value)}, kind, dec_hook=to_secret), name)


def _changed(loaded: LoadedSettings, values: dict[str, Any]) -> SettingsChanged:
    now = dict(flatten(loaded.settings))
    return SettingsChanged(
        written=list(values),
        restart_needed=[key for key, value in values.items() if now[key] != value],
        overridden=[key for key in values if loaded.origins[key].kind in ("environment", "flag")],
    )
