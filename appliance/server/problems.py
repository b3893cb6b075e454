"""One function turns any exception into RFC 9457 problem+json; no answer of ours has another form of error.

``type`` ends in the stable code of ``appliance.errors``; the text of a server error stays in the log.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from appliance.domain import said_plainly
from appliance.errors import ApplianceError, InvalidInput, RateLimited, StoreError, Unavailable

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:appliance:problem:"

log = structlog.get_logger(__name__)


class RequestTimeout(ApplianceError):
    """The client took too long to send its request."""

    code = "request_timeout"
    status = 408


class PayloadTooLarge(ApplianceError):
    """The body is larger than this route takes."""

    code = "payload_too_large"
    status = 413


class UnsupportedMediaType(ApplianceError):
    """The body is compressed or otherwise encoded."""

    code = "unsupported_media_type"
    status = 415


class HeadersTooLarge(ApplianceError):
    """The header has too many fields or is too long."""

    code = "headers_too_large"
    status = 431


class FieldError(msgspec.Struct, frozen=True):
    """One fault in what was sent."""

    field: str
    """Path of the field: ``events[2].type``, or the parameter's name."""
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as RFC 9457 has it, with our extensions ``code``, ``hint``, ``errors`` and ``request_id``."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str = ""
    hint: str = ""
    errors: tuple[FieldError, ...] = ()
    request_id: str = ""


class Answer(msgspec.Struct, frozen=True):
    """A problem with the headers that belong to it."""

    problem: Problem
    headers: dict[str, str]

    @property
    def body(self) -> bytes:
        """The problem as JSON."""
        return msgspec.json.encode(self.problem)


_CODES = {
    400: "invalid_input",
    401: "unauthorised",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    431: "headers_too_large",
    503: "unavailable",
}
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The body is too large.",
    500: "The appliance made a mistake. The log has the details under this request id.",
    503: "A part of the appliance is not available at the moment.",
    507: "The appliance's disk is full; nothing of the request was kept.",
}
_UNREADABLE = "The body cannot be read: {}."
_STORE_RETRY_SECONDS = 5.0


def answer_for(error: BaseException, *, instance: str = "", request_id: str = "") -> Answer:
    """Return what a caller may know of an error, and log what it may not."""
    if isinstance(error, ApplianceError):
        status, code, detail = error.status, error.code, error.message
    elif isinstance(error, HTTPException):
        status, detail = error.status_code, _http_detail(error)
        code = _CODES.get(status, "invalid_input" if status < 500 else "internal")
    elif isinstance(error, RecursionError):
        status, code, detail = 400, "invalid_input", _UNREADABLE.format("it is nested too deeply")
    elif isinstance(error, UnicodeDecodeError):
        status, code, detail = 400, "invalid_input", _UNREADABLE.format("it is not valid UTF-8")
    else:
        status, code, detail = 500, "internal", ""
    if status >= 500:
        _log(error, status, request_id)
        detail = error.message if isinstance(error, Unavailable) else _DETAILS.get(status, _DETAILS[500])
    problem = Problem(
        type=TYPE_PREFIX + code,
        title=title_of(status),
        status=status,
        detail=detail,
        code=code,
        instance=instance,
        hint=error.hint if isinstance(error, ApplianceError) and _may_tell(error) else "",
        errors=_field_errors(error),
        request_id=request_id,
    )
    return Answer(problem, _headers(error, status))


def title_of(status: int) -> str:
    """Return the short name of a status."""
    return HTTPStatus(status).phrase


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for every exception."""
    scope = request.scope
    answer = answer_for(error, instance=instance_of(scope), request_id=request_id_of(scope))
    return Response(answer.body, status_code=answer.problem.status, media_type=MEDIA_TYPE, headers={**answer.headers})


def instance_of(scope: Any) -> str:
    """Return the path of a request as it was sent (percent-encoded), without the query string, bounded."""
    raw = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    path: str = raw.split(b"?", 1)[0].decode("latin-1")[:200]
    return path if path.isascii() and path.isprintable() and '"' not in path else ""


def request_id_of(scope: Any) -> str:
    """Return the id that the outermost layer gave the request, or ``''``."""
    exchange = scope.get("appliance")
    return exchange.request_id if exchange is not None else ""


def _headers(error: BaseException, status: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, HTTPException) and error.headers:
        headers.update(error.headers)
    if isinstance(error, RateLimited | Unavailable):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif isinstance(error, StoreError) or status in (503, 507):
        headers["Retry-After"] = str(math.ceil(_STORE_RETRY_SECONDS))
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="appliance"'
    if status == 408:
        headers["Connection"] = "close"
    headers["Cache-Control"] = "no-store"
    return headers


def _may_tell(error: ApplianceError) -> bool:
    return error.status < 500 or isinstance(error, Unavailable)


def _http_detail(error: HTTPException) -> str:
    if isinstance(error, ValidationException):
        return "The request is not valid; errors says what to change."
    if error.status_code in _DETAILS:
        return _DETAILS[error.status_code]
    return error.detail[:500]


def _field_errors(error: BaseException) -> tuple[FieldError, ...]:
    if isinstance(error, InvalidInput):
        return tuple(FieldError(field, message) for field, message in error.fields)
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return tuple(
            FieldError(str(part.get("key", "")), said_plainly(str(part.get("message", ""))))
            for part in error.extra
            if isinstance(part, dict)
        )
    return ()


def _log(error: BaseException, status: int, request_id: str) -> None:
    if status in (503, 507):
        log.warning("request_refused", status=status, request_id=request_id, error=repr(error))
    else:
        log.error("request_failed", status=status, request_id=request_id, exc_info=error)
