"""Writes ``appliance.toml``: all new values or none, with a person's comments kept."""

from __future__ import annotations

import os
import tempfile
import threading
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from appliance.errors import InvalidSetting
from appliance.settings import FILE_NAME, checked_values, read_sections

_WRITING = threading.Lock()


def write_settings(data_dir: Path, values: Mapping[str, object]) -> None:
    """Write values, keyed ``section.key``, into ``appliance.toml``; the file is replaced whole and durably.

    Other settings in the file may be wrong: this is how a person corrects them one by one. Raises ``InvalidSetting``
    naming every wrong value, or the file where it is no TOML of sections, and ``OSError``; then nothing was written.
    """
    file = data_dir / FILE_NAME
    checked = checked_values(values, file)
    with _WRITING:
        _replace(file, _changed(file, checked))


def _changed(file: Path, values: Mapping[str, object]) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    read_sections(file)
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
        for path, value in values.items():
            section, key = path.split(".", 1)
            if section not in document:
                document.add(section, tomlkit.table())
            document[section][key] = _plain(value)
        text = tomlkit.dumps(document)
        tomllib.loads(text)
    except (TOMLKitError, tomllib.TOMLDecodeError) as error:
        raise InvalidSetting(
            f"{file} cannot be changed: {error}", hint="Write each section once, as [section] and key = value."
        ) from None
    return text


def _plain(value: object) -> object:
    """Return a value as the TOML writer knows it; it takes no subclass of text."""
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, str) else value


def _replace(file: Path, text: str) -> None:
    # A name of its own (mode 0600), so that nobody else's half-written copy is ever put in place.
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder for fsync
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
