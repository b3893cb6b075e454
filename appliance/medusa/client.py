"""The client of Medusa: every call of the appliance to it goes through here.

It sends to the one configured origin, proves itself, waits and tries again where that is safe, leaves a failing Medusa
alone, reads answers into types or not at all, and keeps the state of the connection.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec
import structlog

from appliance.errors import ApplianceError, InvalidSetting
from appliance.medusa.answers import date_of, decode, fault_of, is_page, raise_for_status
from appliance.medusa.breaker import Breaker
from appliance.medusa.connectivity import Connectivity, ConnectivityWatch
from appliance.medusa.credentials import DENIED_SECONDS, LOGIN_PATH, OCCASION_SECONDS, Credentials, Denials
from appliance.medusa.faults import MedusaDenied, MedusaTooOld, MedusaUnreachable
from appliance.medusa.transport import Answer, Limit, Method, exchange, make_client
from appliance.settings import Medusa

log = structlog.get_logger(__name__)
T = TypeVar("T")
Params = Mapping[str, str | int | Sequence[str]]

_encode = msgspec.json.Encoder(decimal_format="number").encode

_TRIES = 3
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_PATIENCE = 3.0
"""How many times ``timeout_seconds`` a call may last in all, with its tries and pauses."""
_PROBE_SECONDS = 10.0
_SLICE_SECONDS = 0.25
_WORTH_A_RETRY = frozenset(
    {"refused", "no_route", "dns", "timeout", "dropped", "server_error", "rate_limited", "garbage"}
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, apart from the proof of who calls."""

    method: Method
    path: str
    params: Params = {}
    body: bytes = b""
    key: str = ""
    """``Idempotency-Key``, where not empty."""
    retry: bool = False
    """Whether it may be sent again when it is not known to have arrived."""


class LoginReply(msgspec.Struct):
    """What a login is answered; a login that needs another step has no token."""

    token: str


class MedusaClient:
    """Calls one Medusa. Safe to use from any thread; a call may last three times ``medusa.timeout_seconds``.

    ``stopping`` is asked between tries and while waiting; when it says yes, the call ends with the fault at hand.
    """

    def __init__(
        self,
        settings: Medusa,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], random.Random] = random.Random,
        transport: httpx.BaseTransport | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        if not settings.url:
            raise InvalidSetting("medusa.url is empty: there is no Medusa to call.", hint="Set medusa.url.")
        # httpx would log whole addresses, and those name orders.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._origin = settings.url.rstrip("/")
        self._credentials = Credentials(settings)
        self._client = make_client(settings, transport)
        self._budget = settings.timeout_seconds * _PATIENCE
        self._now, self._clock, self._sleep = now, clock, sleep
        self._dice = random()
        self._breaker = Breaker(self._dice)
        self._denials = Denials()
        self._watch = ConnectivityWatch(now)
        self._stopping = stopping
        self._lock = threading.Lock()
        self._requests = 0
        self._heard: tuple[float, float] | None = None

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        with self._lock:
            return self._requests

    @property
    def server_time(self) -> float | None:
        """Unix seconds of Medusa's clock in its last good answer."""
        with self._lock:
            return self._heard[0] if self._heard else None

    @property
    def skew(self) -> float | None:
        """Seconds by which Medusa's clock is ahead of the appliance's, by its last good answer; good to a second."""
        with self._lock:
            return self._heard[0] - self._heard[1] if self._heard else None

    @property
    def state(self) -> Connectivity:
        """Whether Medusa can be used, and why not."""
        return self._watch.present

    def on_change(self, listener: Callable[[Connectivity], None]) -> None:
        """Call ``listener`` whenever the state or its reason changes, in the thread that found it."""
        self._watch.subscribe(listener)

    def get(self, path: str, params: Params, type: type[T]) -> T:
        """Read something. Raises the faults of ``appliance.medusa.faults``."""
        return self._run(Call(method="GET", path=path, params=params, retry=True), type)

    def post(
        self, path: str, body: Any, type: type[T], *, params: Params | None = None, key: str = "", retry: bool = False
    ) -> T:
        """Write something; ``retry`` says that doing it twice is the same as once. Decimals are sent as numbers."""
        call = Call(method="POST", path=path, params=params or {}, body=_encode(body), key=key, retry=retry)
        return self._run(call, type)

    def delete(self, path: str) -> None:
        """Delete something; what is gone already may be deleted again."""
        self._run(Call(method="DELETE", path=path, retry=True), msgspec.Raw)

    def ask(self, method: Method, path: str, body: Any = None) -> Answer:
        """Send one request without proof and without judging the answer. Raises ``MedusaUnreachable``."""
        sent = b"" if body is None else _encode(body)
        call = Call(method=method, path=path, body=sent)
        try:
            return self._send(call, {}, Limit(time.monotonic() + self._budget, self._stopping))
        except MedusaUnreachable as fault:
            self.note_unreachable(fault)
            raise

    def note_unsupported(self, fault: MedusaTooOld) -> None:
        """Keep in the state that this is no Medusa that can be used."""
        self._watch.lost("unsupported", fault.code, fault.message)

    def note_unreachable(self, fault: MedusaUnreachable) -> None:
        """Keep in the state what ``ask``, which judges nothing, ran into."""
        if fault.reason != "stopping":
            self._breaker.failed(self._clock())
        self._lost(fault)

    @property
    def pause(self) -> float:
        """Seconds for which Medusa is left alone; 0 when it may be called."""
        return self._breaker.left(self._clock())

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _run(self, call: Call, type: type[T]) -> T:
        limit = Limit(time.monotonic() + self._budget, self._stopping)
        for attempt in range(1, _TRIES + 1):
            self._enter()
            try:
                value = decode(self._authorised(call, limit), type, _route(call.path))
            except MedusaUnreachable as fault:
                self._failed(call, fault)
                if not (call.retry and attempt < _TRIES and self._pause(fault, attempt, limit)):
                    self._lost(fault)
                    raise
            except ApplianceError as fault:
                # Medusa answered, only not what was hoped for.
                if not (isinstance(fault, MedusaDenied) and self._denials.proven):
                    self._answered()
                log.info("medusa_call_failed", route=_route(call.path), method=call.method, code=fault.code)
                raise
            else:
                self._answered()
                return value
        raise AssertionError("the last try returns or raises")

    def _enter(self) -> None:
        wait = self._breaker.wait(self._clock(), self._budget)
        if wait > 0:
            raise self.left_alone(wait)

    def left_alone(self, wait: float) -> ApplianceError:
        """Return what a call meets with while Medusa is left alone, for ``wait`` seconds more."""
        state = self.state
        if state.state == "denied":
            return MedusaDenied(state.last_error, hint=_NEW_KEY)
        return MedusaUnreachable(
            f"Medusa is left alone for {wait:.0f} s. {state.last_error}", reason="circuit_open", retry_after=wait
        )

    def _answered(self) -> None:
        self._denials.clear()
        self._breaker.succeeded()
        self._watch.online()

    def _failed(self, call: Call, fault: MedusaUnreachable) -> None:
        if fault.reason == "stopping":
            self._breaker.abandoned()
        elif fault.reason not in ("rate_limited", "unauthorised_perhaps"):
            self._breaker.failed(self._clock())
        log.info("medusa_try_failed", route=_route(call.path), method=call.method, reason=fault.reason)

    def _lost(self, fault: MedusaUnreachable) -> None:
        if fault.reason == "rate_limited":
            self._breaker.hold(self._clock(), fault.retry_after)
        if fault.reason == "unauthorised_perhaps":
            self._breaker.hold(self._clock(), OCCASION_SECONDS)
        if fault.reason != "stopping":
            self._watch.lost("offline", fault.reason, fault.message)

    def _pause(self, fault: MedusaUnreachable, attempt: int, limit: Limit) -> bool:
        """Wait before the next try; return whether there is one."""
        if fault.reason not in _WORTH_A_RETRY or not self._breaker.closed:
            return False
        pause = _FIRST_PAUSE * 2.0 ** (attempt - 1) * (0.5 + self._dice.random())
        if fault.reason == "rate_limited":
            pause = max(pause, fault.retry_after)
        if pause > _LONGEST_PAUSE or time.monotonic() + pause >= limit.deadline:
            return False
        while pause > 0 and not self._stopping():
            self._sleep(min(pause, _SLICE_SECONDS))
            pause -= _SLICE_SECONDS
        return not self._stopping()

    def _authorised(self, call: Call, limit: Limit) -> Answer:
        """Send a call with its proof, renewing a token that was refused. Raises for every status but a good one."""
        if call.path.startswith("/store/"):
            return self._good(self._send(call, self._credentials.store_headers, limit))
        proof = self._proof(limit)
        answer = self._send(call, {"Authorization": proof}, limit)
        if answer.status == 401 and self._credentials.forget(proof):
            answer = self._send(call, {"Authorization": self._proof(limit)}, limit)
        return self._good(answer)

    def _proof(self, limit: Limit) -> str:
        proof = self._credentials.proof(self._clock())
        if not proof:
            call = Call(method="POST", path=LOGIN_PATH, body=self._credentials.login)
            reply = decode(self._good(self._send(call, {}, limit)), LoginReply, LOGIN_PATH)
            self._credentials.accept(reply.token, self._clock())
            proof = self._credentials.proof(self._clock()) or f"Bearer {reply.token}"
        return proof

    def _good(self, answer: Answer) -> Answer:
        if answer.status == 403 and not is_page(answer):
            raise MedusaDenied(
                "Medusa took the key or login, but it may not do this.", hint="Give it the rights of an admin."
            )
        if answer.status in (401, 403):
            raise self._judged()
        raise_for_status(answer, self._now())
        at = date_of(answer.headers)
        if at is not None:
            with self._lock:
                self._heard = (at, self._now())
        return answer

    def _judged(self) -> ApplianceError:
        """Return what a refusal means: the database is away, perhaps a wrong key, or proof of one."""
        now = self._clock()
        if self._denials.is_due(now):
            if not self._refuses_properly():
                return MedusaUnreachable(
                    "Medusa refuses every log-in, as it does while its database is away.", reason="database_away"
                )
            self._denials.note(now)
        what = "secret key" if self._credentials.has_key else "e-mail or password"
        if self._denials.proven:
            denied = MedusaDenied(f"Medusa keeps refusing the {what}.", hint=_NEW_KEY)
            self._breaker.hold(now, DENIED_SECONDS)
            self._watch.lost("denied", denied.code, denied.message)
            return denied
        return MedusaUnreachable(
            f"Medusa refused the {what}. That is believed when it was seen for some minutes.",
            reason="unauthorised_perhaps",
            retry_after=OCCASION_SECONDS,
        )

    def _refuses_properly(self) -> bool:
        """Tell whether a nonsense log-in is refused as Medusa does when its database can be asked."""
        call = Call(method="POST", path=LOGIN_PATH, body=_NONSENSE)
        try:
            answer = self._send(call, {}, Limit(time.monotonic() + _PROBE_SECONDS, self._stopping))
        except MedusaUnreachable:
            return False
        fault = fault_of(answer)
        words = fault.message.lower()
        troubled = any(word in words for word in ("pool", "connect", "timeout", "timed out", "database", "knex"))
        return answer.status == 401 and fault.type == "unauthorized" and not troubled

    def _send(self, call: Call, headers: Mapping[str, str], limit: Limit) -> Answer:
        if not call.path.startswith("/") or "?" in call.path or "#" in call.path:
            raise ValueError("a path of Medusa begins with a slash and holds no query")
        extra = {"Content-Type": "application/json"} if call.body else {}
        if call.key:
            extra["Idempotency-Key"] = call.key
        query = urlencode(call.params, doseq=True, safe="[]$:,*")
        request = self._client.build_request(
            call.method,
            self._origin + call.path + (f"?{query}" if query else ""),
            content=call.body or None,
            headers={**headers, **extra},
        )
        with self._lock:
            self._requests += 1
        return exchange(self._client, request, limit)


def segment(id: str) -> str:
    """Return an id as one segment of a path. Raises ``ValueError`` for what would lead to another path."""
    if id in ("", ".", ".."):
        raise ValueError("this cannot be an id of Medusa")
    return quote(id, safe="")


def _route(path: str) -> str:
    """Return the path without ids, for logs."""
    return "/".join(path.split("/", 3)[:3])


_NEW_KEY = (
    "Make a new secret key in Medusa (Settings, Secret API Keys) and set medusa.secret_key, or correct the login."
)
_NONSENSE = msgspec.json.encode({"email": "nobody@appliance.invalid", "password": "no-such-login"})
