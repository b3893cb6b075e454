"""The three kinds of caller, and the guards.

The guards are coroutines, because Litestar runs plain functions in threads.

A *browser* is known by its session alone. A *trusted* server (a secret key, or a plain request from this machine) may
name any customer. A *signed-in shopper* (``X-Customer-Token``) may name itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from appliance.errors import Forbidden, Unauthorised
from appliance.ops.access import HOW_TO_SIGN
from appliance.runtime import Runtime
from appliance.server.exchange import Exchange, exchange_of
from appliance.server.ratelimit import is_loopback

_BEARER = b"bearer "
_NOT_PLAIN = frozenset({b"origin", b"sec-fetch-site"})
_NOT_PLAIN_PREFIXES = (b"x-forwarded-", b"forwarded", b"via", b"x-real-ip")
_NOT_PLAIN_SUFFIXES = (b"-connecting-ip", b"-client-ip")
"""Headers that say that somebody else is behind a loopback connection: a browser, or a proxy's client."""


class Caller(msgspec.Struct, frozen=True):
    """Who asks."""

    kind: Literal["browser", "trusted", "shopper"]
    user_id: str = ""
    """The signed-in shopper's own id."""

    def may_name(self, user_id: str) -> str:
        """Return the customer id to act for; ``''`` for a guest.

        Raises ``Unauthorised`` when the caller may name nobody, ``Forbidden`` when it names another shopper.
        """
        if not user_id or user_id == self.user_id:
            return self.user_id
        if self.kind == "trusted":
            return user_id
        if self.kind == "shopper":
            raise Forbidden("A signed-in shopper may name only itself in user_id.", hint=HOW_TO_SIGN)
        raise Unauthorised("Nobody may name a user_id without proof.", hint=HOW_TO_SIGN)


_BROWSER = Caller("browser")
_TRUSTED = Caller("trusted")


def bearer(exchange: Exchange) -> str:
    """Return the bearer token of a request, or ``''``."""
    header = exchange.headers.get(b"authorization", b"")
    return header[len(_BEARER) :].strip().decode("latin-1") if header[: len(_BEARER)].lower() == _BEARER else ""


def limited_as(exchange: Exchange, runtime: Runtime) -> str:
    """Return the id of the verified secret key or admin token that a request is counted under, or ``''``."""
    secret = bearer(exchange) if b"authorization" in exchange.headers else ""
    if not secret:
        return ""
    if _is_local_token(secret, runtime):
        return "local"
    token = runtime.access.verify_secret(secret) or runtime.access.verify_admin(secret)
    return token.id if token is not None else ""


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """Return who asks; judged once a request. Raises ``Unauthorised`` for a wrong key or token."""
    exchange = exchange_of(connection)
    if exchange.caller is None:
        exchange.caller = _judge(exchange)
    return exchange.caller


async def require_public(connection: Request[Any, Any, Any]) -> None:
    """Check callers of the public routes: a key that is given must be right; the settings may ask for one.

    A hook before the handler instead of a guard, for which Litestar copies the handler with every request.
    """
    exchange = exchange_of(connection)
    given = exchange.headers.get(b"x-publishable-key")
    caller = caller_of(connection)
    if given is not None:
        if exchange.runtime.access.verify_publishable(given.decode("latin-1")) is None:
            raise Unauthorised(
                "The publishable key is wrong or revoked.", hint="`appliance token create` on the box gives a new one."
            )
    elif exchange.runtime.settings.server.require_publishable_key and caller.kind != "trusted":
        raise Unauthorised("This appliance wants a publishable key.", hint="Send it as X-Publishable-Key.")


async def require_admin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of every admin route: default deny."""
    await require_private_line(connection, _)
    exchange = exchange_of(connection)
    runtime = exchange.runtime
    secret = bearer(exchange)
    if secret and (_is_local_token(secret, runtime) or runtime.access.verify_admin(secret) is not None):
        return
    if runtime.access.claim_code() is not None:
        hint = "Claim the appliance: POST /v1/admin/claim with the code on its own screen gives the first token."
    else:
        hint = "Send Authorization: Bearer with an admin token; `appliance token create` on the box gives one."
    raise Unauthorised("This needs an admin token.", hint=hint)


async def require_private_line(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: what carries an admin token or claim code travels inside this machine or encrypted."""
    exchange, scope = exchange_of(connection), connection.scope
    if scope["scheme"] == "https" or is_loopback(exchange.client):
        return
    peer = (scope.get("client") or ("", 0))[0]
    encrypted = exchange.proxied and exchange.headers.get(b"x-forwarded-proto", b"").strip().lower() == b"https"
    if not (encrypted and is_loopback(peer)):
        raise Forbidden(
            "The admin API is closed to plain HTTP from other machines.",
            hint="Use it on the box itself, through an SSH tunnel, or over TLS.",
        )


def _is_plain(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether nothing says that a browser or a proxy's client is behind a loopback connection."""
    return not any(
        name in _NOT_PLAIN or name.startswith(_NOT_PLAIN_PREFIXES) or name.endswith(_NOT_PLAIN_SUFFIXES)
        for name in headers
    )


def _judge(exchange: Exchange) -> Caller:
    runtime, headers = exchange.runtime, exchange.headers
    trusted = False
    if b"authorization" in headers:
        secret = bearer(exchange)
        trusted = _is_local_token(secret, runtime) or bool(
            runtime.access.verify_secret(secret) or runtime.access.verify_admin(secret)
        )
        if not trusted:
            raise Unauthorised(
                "The secret key is wrong or revoked.", hint="Send Authorization: Bearer sk_…, or leave it out."
            )
    elif runtime.settings.security.trust_loopback and is_loopback(exchange.client):
        trusted = not exchange.proxied and _is_plain(headers)
    token = headers.get(b"x-customer-token")
    if token is not None:
        user_id = runtime.access.verify_customer_token(token.decode("latin-1"))
        return Caller("trusted" if trusted else "shopper", user_id)
    return _TRUSTED if trusted else _BROWSER


def _is_local_token(secret: str, runtime: Runtime) -> bool:
    return hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), runtime.local_token.encode())
