"""Reads the word lists and grammars that the package ships: TOML files in the ``data`` folder of a room."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import TypeVar

import msgspec

T = TypeVar("T")


def read_data(room: str, name: str, kind: type[T]) -> T:
    """Return ``data/<name>.toml`` of a package in the form that is asked for.

    A file that has not this form is a defect of the package and raises ``msgspec.ValidationError``.
    """
    text = resources.files(room).joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), kind)
