"""Reads a JSON body into a typed record in one strict pass."""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request

from appliance.domain import said_plainly
from appliance.errors import InvalidInput

T = TypeVar("T")

_FLOAT = "got `float`"
_DECODERS: dict[type[Any], msgspec.json.Decoder[Any]] = {}
_PLACE = re.compile(r"^(?P<message>.*) - at `(?P<key>key )?(?:in )?\$(?P<path>.*)`$", re.DOTALL)


async def read_body(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """Return the body as a record.

    Strict where Litestar's own reading is not: a text is no number. Raises ``InvalidInput`` with the path of the fault,
    or ``UnicodeDecodeError``.
    """
    content = await request.body()
    if not content.isascii():
        # Parts that are kept raw would otherwise be passed on unseen; a body in another encoding is no JSON at all.
        content.decode("utf-8")
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    try:
        return cast("T", decoder.decode(content))
    except msgspec.ValidationError as error:
        if _FLOAT not in str(error):
            raise _invalid(error) from None
    except msgspec.DecodeError as error:
        raise InvalidInput(
            f"The body is not valid JSON: {error}.", hint="Send JSON in UTF-8.", fields=(("body", "is not valid JSON"),)
        ) from None
    try:
        return msgspec.convert(whole_numbers(msgspec.json.decode(content)), kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def whole_numbers(value: Any) -> Any:
    """Turn floats without a fraction into ints all through a JSON value: to JSON ``52.0`` and ``52`` are one number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole_numbers(part) for part in value]
    if isinstance(value, dict):
        return {key: whole_numbers(part) for key, part in value.items()}
    return value


def _invalid(error: msgspec.ValidationError) -> InvalidInput:
    return InvalidInput("The body is not valid; errors says what to change.", fields=(_fault(error),))


def _fault(error: msgspec.ValidationError) -> tuple[str, str]:
    """Split msgspec's sentence into the path and what is wrong there."""
    text = str(error)
    match = _PLACE.match(text)
    if match is None:
        return "body", said_plainly(text)
    return match["path"].lstrip(".") or "body", said_plainly(match["message"])
