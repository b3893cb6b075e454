"""What one call of the command line knows: the data directory, the settings, the language, how to print."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from appliance.errors import ApplianceError, InvalidSetting, StoreError
from appliance.messages import LOCALES, Locale, pick_locale
from appliance.settings import FILE_NAME, LoadedSettings, load_settings

F = TypeVar("F", bound=Callable[..., Any])


def default_data_dir() -> Path:
    """Return the platform's place for the data of this user."""
    from platformdirs import user_data_dir

    return Path(user_data_dir("appliance", appauthor=False))


@dataclass
class Session:
    """Passed to every command as the context's object."""

    data_dir: Path = field(default_factory=Path)
    is_data_named: bool = False
    """Whether ``--data`` stood on the command line."""
    as_json: bool = False
    """Whether stdout must be one JSON value."""

    def prepare(self) -> Path:
        """Return the data directory, made when absent and closed to others. Raises ``StoreError``."""
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The data directory {self.data_dir} cannot be made: {error.strerror}.",
                hint="Name another one with --data.",
            ) from None
        return self.data_dir

    def load(
        self, flags: Mapping[str, object] | None = None, *, faults: list[InvalidSetting] | None = None
    ) -> LoadedSettings:
        """Read the settings; flags that were not given (``None``) are left out. ``faults`` collects what is wrong.

        Raises ``InvalidSetting``, or ``StoreError`` when the file cannot be read.
        """
        given = {key: value for key, value in (flags or {}).items() if value is not None}
        try:
            return load_settings(self.data_dir, flags=given, faults=faults)
        except OSError as error:
            raise StoreError(
                f"{self.data_dir / FILE_NAME} cannot be read: {error.strerror}.", hint="Check its permissions."
            ) from None

    def ask(self, method: str, path: str, *, params: Mapping[str, object] | None = None, body: object = None) -> Any:
        """Return what the API answers to one request. Raises ``ApplianceError``, as ``Backend.call`` does."""
        # Not at the top: the HTTP client is slow to load, and the help text needs none.
        from appliance.cli.backend import open_backend

        with open_backend(self) as backend:
            return backend.call(method, path, params=params, body=body)

    @property
    def locale(self) -> Locale:
        """The language to speak: the shop's where somebody set it, else the terminal's, else English."""
        try:
            loaded = self.load()
        except ApplianceError:
            loaded = None
        if loaded is not None and loaded.origins["shop.locale"].kind != "default":
            return loaded.settings.shop.locale
        tag = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
        return pick_locale(tag) if tag[:2].lower() in LOCALES else "en"


pass_session = click.make_pass_decorator(Session)


def json_option(command: F) -> F:
    """Add ``--json``."""

    def note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        session = ctx.find_object(Session)
        if session is not None and value:
            session.as_json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=note, help="Print one JSON value on stdout."
    )(command)
