"""One typed settings object: defaults, then ``appliance.toml`` in the data directory, then ``APPLIANCE_*``, then flags.

Every value remembers where it came from. An unknown key or a wrong value is an error that names the key, its origin
and, where one is close, the key that was probably meant.
"""

from __future__ import annotations

import difflib
import os
import tomllib
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from appliance.domain import said_plainly
from appliance.errors import InvalidSetting
from appliance.settings.sections import (
    Analytics,
    Assistant,
    Cache,
    Ingest,
    Medusa,
    Recommender,
    Secret,
    Security,
    Server,
    Settings,
    Shop,
    Weights,
)

__all__ = [
    "ENV_PREFIX",
    "FILE_NAME",
    "RESERVED_ENV",
    "Analytics",
    "Assistant",
    "Cache",
    "Ingest",
    "LoadedSettings",
    "Medusa",
    "Origin",
    "Recommender",
    "Secret",
    "Security",
    "Server",
    "Settings",
    "Shop",
    "Weights",
    "checked_values",
    "env_name",
    "flatten",
    "load_settings",
    "parse_value",
    "read_sections",
    "shown",
    "to_secret",
]

FILE_NAME = "appliance.toml"
ENV_PREFIX = "APPLIANCE_"
RESERVED_ENV = frozenset({"APPLIANCE_DATA"})
"""Names with the prefix that are not settings: where the data directory is."""
_ENV_ALIASES = {"APPLIANCE_RATE_LIMIT": "server.rate_limit", "APPLIANCE_LOCALE": "shop.locale"}


class Origin(msgspec.Struct, frozen=True):
    """Where a value came from: ``default``, ``file``, ``environment`` or ``flag``, and the name it had there."""

    kind: Literal["default", "file", "environment", "flag"]
    name: str = ""


class LoadedSettings(msgspec.Struct, frozen=True):
    """The settings and the origin of each, keyed ``section.key``."""

    settings: Settings
    origins: dict[str, Origin]


def load_settings(
    data_dir: Path,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    faults: list[InvalidSetting] | None = None,
) -> LoadedSettings:
    """Read the settings of a data directory.

    ``flags`` is keyed ``section.key`` and holds typed values. Raises ``InvalidSetting`` for an unknown or wrong key;
    where ``faults`` is given they go there, and what the wrong value would have replaced stays in force.
    """
    known = dict(_leaves())
    tree: dict[str, dict[str, object]] = {}
    origins = {path: Origin("default") for path in known}

    def put(path: str, value: object, origin: Origin) -> None:
        section, key = path.split(".", 1)
        tree.setdefault(section, {})[key] = _checked(path, value, origin)
        origins[path] = origin

    file = data_dir / FILE_NAME
    sections: dict[str, dict[str, object]] = {}
    with _noting(faults):
        sections = read_sections(file)
    for path, value in ((f"{name}.{key}", value) for name, keys in sections.items() for key, value in keys.items()):
        with _noting(faults):
            _require_known(path, known, f"in {file}")
            put(path, value, Origin("file", str(file)))
    by_name = {env_name(path): path for path in known} | _ENV_ALIASES
    for name, text in sorted((os.environ if environ is None else environ).items()):
        if not name.startswith(ENV_PREFIX) or name in RESERVED_ENV:
            continue
        with _noting(faults):
            _require_known(name, by_name, "in the environment")
            put(by_name[name], _from_text(known[by_name[name]], text), Origin("environment", name))
    for path, value in (flags or {}).items():
        with _noting(faults):
            _require_known(path, known, "on the command line")
            put(path, value, Origin("flag", f"--{path.rsplit('.', 1)[1].replace('_', '-')}"))
    return LoadedSettings(msgspec.convert(tree, Settings, dec_hook=to_secret), origins)


def env_name(path: str) -> str:
    """Return the environment variable of a setting: ``server.port`` is ``APPLIANCE_SERVER_PORT``."""
    return ENV_PREFIX + path.replace(".", "_").upper()


def flatten(settings: Settings) -> Iterator[tuple[str, object]]:
    """Yield every setting as (``section.key``, value) in declaration order."""
    for path in dict(_leaves()):
        section, key = path.split(".", 1)
        yield path, getattr(getattr(settings, section), key)


def parse_value(path: str, text: str) -> object:
    """Read a value that a person typed for a setting; raises ``InvalidSetting``."""
    known = dict(_leaves())
    _require_known(path, known, "as a setting")
    return _checked(path, _from_text(known[path], text), Origin("flag", path))


def checked_values(values: Mapping[str, object], file: Path) -> dict[str, object]:
    """Return values as the settings have them; raises one ``InvalidSetting`` that names every fault among them."""
    known = dict(_leaves())
    checked: dict[str, object] = {}
    faults: list[InvalidSetting] = []
    for path, value in values.items():
        with _noting(faults):
            _require_known(path, known, "as a setting")
            checked[path] = _checked(path, value, Origin("file", str(file)))
    if faults:
        fields = tuple(field for fault in faults for field in fault.fields)
        raise InvalidSetting(" ".join(fault.message for fault in faults), hint=faults[0].hint, fields=fields)
    return checked


def read_sections(file: Path) -> dict[str, dict[str, object]]:
    """Read the settings that a file holds, unjudged; raises ``InvalidSetting`` where it is no TOML of sections."""
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{file} is not valid TOML: {error}", hint="Correct the line or remove it.") from None
    for section, values in tree.items():
        if not isinstance(values, dict):
            raise InvalidSetting(
                f"{section} in {file} must stand in a section", hint="Write it as [section] and key = value."
            )
    return tree


@contextmanager
def _noting(faults: list[InvalidSetting] | None) -> Iterator[None]:
    try:
        yield
    except InvalidSetting as error:
        if faults is None:
            raise
        faults.append(error)


_SECTIONS = {section.name: section.type for section in msgspec.structs.fields(Settings)}


def _leaves() -> Iterator[tuple[str, Any]]:
    for section in msgspec.structs.fields(Settings):
        hints = get_type_hints(section.type, include_extras=True)
        for field in msgspec.structs.fields(section.type):
            yield f"{section.name}.{field.name}", hints[field.name]


def _require_known(name: str, known: Mapping[str, object], where: str) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}?" if near else "`appliance settings show` lists the settings."
    raise InvalidSetting(f"Unknown setting {name} {where}.", hint=hint, fields=((name, "unknown setting"),))


def _checked(path: str, value: object, origin: Origin) -> object:
    section, key = path.split(".", 1)
    try:
        checked = msgspec.convert(
            {key: value}, _SECTIONS[section], strict=origin.kind != "environment", dec_hook=to_secret
        )
        return getattr(checked, key)
    except msgspec.ValidationError as error:
        place = f" ({origin.name})" if origin.name else ""
        reason = said_plainly(str(error).partition(" - at ")[0])
        shown = "***" if dict(_leaves())[path] is Secret else repr(value)
        raise InvalidSetting(
            f"Setting {path}{place} has a wrong value {shown}: {reason}.",
            hint=f"`appliance settings show` gives the meaning of {path}.",
            fields=((path, reason),),
        ) from None


def shown(value: object) -> Any:
    """Return a value as it may be shown: plain types, and a secret as ``***``."""
    if isinstance(value, Secret):
        return "***" if value else ""
    return msgspec.to_builtins(value)


def to_secret(kind: type, value: object) -> object:
    """Read a ``Secret``, the one type of the settings that msgspec does not know (its ``dec_hook``)."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError("must be a text")


def _from_text(kind: Any, text: str) -> object:
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(base) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if base is bool:
        return {
            "1": True,
            "true": True,
            "on": True,
            "yes": True,
            "0": False,
            "false": False,
            "off": False,
            "no": False,
        }.get(text.strip().lower(), text)
    if base in (int, float):
        try:
            return base(text)
        except ValueError:
            return text
    if get_origin(base) in (Union, types.UnionType) and text == "":
        return None
    return text
