"""Reads a JSON body into a typed record in one strict pass."""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request

from appliance.errors import InvalidInput

T = TypeVar("T")

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
        raise InvalidInput("The body is not valid; errors says what to change.", fields=(_fault(error),)) from None
    except msgspec.DecodeError as error:
        raise InvalidInput(
            f"The body is not valid JSON: {error}.", hint="Send JSON in UTF-8.", fields=(("body", "is not valid JSON"),)
        ) from None


def _fault(error: msgspec.ValidationError) -> tuple[str, str]:
    """Split msgspec's sentence into the path and what is wrong there."""
    text = str(error)
    match = _PLACE.match(text)
    if match is None:
        return "body", text
    return match["path"].lstrip(".") or "body", match["message"]
