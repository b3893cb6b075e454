"""Every error becomes problem+json with its code; what a server error says stays in the log."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import msgspec
import pytest
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

import appliance
from appliance.errors import ApplianceError, Busy, DiskFull, InvalidInput, NotFound, RateLimited, StoreError
from appliance.server.problems import TYPE_PREFIX, answer_for, instance_of

SECRET = "/home/owner/secret.db sk_live_token"


def _all_errors() -> list[type[ApplianceError]]:
    for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: list[type[ApplianceError]] = []
    pending = [ApplianceError]
    while pending:
        kind = pending.pop()
        found.append(kind)
        pending.extend(kind.__subclasses__())
    return sorted(set(found), key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")


def _make(kind: type[ApplianceError]) -> ApplianceError:
    error = kind.__new__(kind)
    Exception.__init__(error, SECRET)
    error.message, error.hint = SECRET, "a hint"
    for name, value in (("fields", (("price", "is negative"),)), ("retry_after", 2.5)):
        setattr(error, name, value)
    return error


def test_every_error_of_ours_is_a_problem() -> None:
    kinds = _all_errors()
    assert len(kinds) > 15
    for kind in kinds:
        answer = answer_for(_make(kind), instance="/v1/x", request_id="r1")
        problem = answer.problem
        assert problem.type == TYPE_PREFIX + kind.code
        assert problem.status == kind.status
        assert problem.code == kind.code
        assert (problem.instance, problem.request_id) == ("/v1/x", "r1")
        assert msgspec.json.decode(answer.body)["title"]
        if kind.status in (429, 503, 507):
            assert int(answer.headers["Retry-After"]) >= 1
        if kind.status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("error", [StoreError(SECRET), DiskFull(SECRET), ApplianceError(SECRET), KeyError(SECRET)])
def test_a_server_error_tells_nothing(error: Exception) -> None:
    answer = answer_for(error)
    assert answer.problem.status >= 500
    assert SECRET not in answer.body.decode()


def test_retry_after_is_whole_seconds_and_never_zero() -> None:
    assert answer_for(RateLimited("slow down", retry_after=0.01)).headers["Retry-After"] == "1"
    assert answer_for(Busy("busy", retry_after=2.1)).headers["Retry-After"] == "3"
    assert answer_for(DiskFull("full")).headers["Retry-After"]


def test_field_faults_are_named() -> None:
    problem = answer_for(InvalidInput("no", fields=(("events[2].type", "is unknown"),))).problem
    assert problem.errors[0].field == "events[2].type"
    validation = ValidationException(
        "x", extra=[{"key": "limit", "message": "Expected `int` <= 100", "source": "query"}]
    )
    assert answer_for(validation).problem.errors[0].field == "limit"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFoundException(), 404, "not_found"),
        (MethodNotAllowedException(headers={"allow": "GET"}), 405, "method_not_allowed"),
        (HTTPException(status_code=418), 418, "invalid_input"),
        (InternalServerException(SECRET), 500, "internal"),
        (RecursionError(), 400, "invalid_input"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), 400, "invalid_input"),
        (ZeroDivisionError(SECRET), 500, "internal"),
        (NotFound("no such thing"), 404, "not_found"),
    ],
)
def test_other_exceptions(error: Exception, status: int, code: str) -> None:
    answer = answer_for(error)
    assert (answer.problem.status, answer.problem.code) == (status, code)
    assert SECRET not in answer.body.decode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"/v1/search?q=secret", "/v1/search"),
        (b"/caf%C3%A9", "/caf%C3%A9"),
        (b"/\x1b[2J", ""),
        (b'/"', ""),
        (b"/\xff", ""),
    ],
)
def test_the_instance_is_the_path_without_what_could_harm(raw: bytes, expected: str) -> None:
    scope: dict[str, Any] = {"raw_path": raw, "path": "/"}
    assert instance_of(scope) == expected
