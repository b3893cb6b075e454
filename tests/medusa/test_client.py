"""What the client does with answers: proof, tries, pauses, types, state of the connection, and what it never tells."""

from __future__ import annotations

import base64
import logging
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
import structlog
from talking import EMPTY, SECRET_KEY, URL, Clock, Thing, in_turn, settings, talk

from appliance.errors import ApplianceError, InvalidSetting
from appliance.medusa import faults
from appliance.medusa.client import MedusaClient, segment
from appliance.medusa.connectivity import Connectivity
from appliance.medusa.faults import MedusaChanged, MedusaDenied, MedusaRefused, MedusaTooOld, MedusaUnreachable
from appliance.medusa.version import require_version_2
from appliance.settings import Medusa
from appliance.settings.sections import Secret

GOOD = httpx.Response(200, json=EMPTY)
PROPER = httpx.Response(401, json={"type": "unauthorized", "message": "Invalid email or password"})
REFUSAL = httpx.Response(401, json={"message": "Unauthorized"})
LOGIN: dict[str, Any] = {
    "secret_key": Secret(""),
    "admin_email": "chu@shop.vn",
    "admin_password": Secret("mat-khau-chu"),
}


def _read(client: MedusaClient) -> Any:
    return client.get("/admin/products", {"limit": 1}, dict[str, Any])


def _token(life: int, number: int = 0) -> str:
    claims = msgspec.json.encode({"iat": 5_000_000, "exp": 5_000_000 + life, "n": number})
    return f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


class LoginShop:
    """A Medusa that takes the token it gave last."""

    def __init__(self, life: int = 86_400) -> None:
        self.logins = 0
        self.life = life
        self.valid = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/user/emailpass":
            assert "authorization" not in request.headers
            if msgspec.json.decode(request.content) != {"email": "chu@shop.vn", "password": "mat-khau-chu"}:
                return PROPER
            self.logins += 1
            self.valid = _token(self.life, self.logins)
            return httpx.Response(200, json={"token": self.valid})
        return GOOD if request.headers["authorization"] == f"Bearer {self.valid}" else REFUSAL


class TestProof:
    """Secret key, login, publishable key."""

    def test_a_secret_key_goes_by_basic_and_the_publishable_one_to_the_store_only(self) -> None:
        seen: dict[str, httpx.Headers] = {}

        def answer(request: httpx.Request) -> httpx.Response:
            seen[request.url.path] = request.headers
            return GOOD

        client = talk(answer, publishable_key="pk_abc")
        _read(client)
        client.get("/store/products", {}, dict[str, Any])
        proof = base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
        assert seen["/admin/products"]["authorization"] == f"Basic {proof}"
        assert "x-publishable-api-key" not in seen["/admin/products"]
        assert seen["/store/products"]["x-publishable-api-key"] == "pk_abc"
        assert "authorization" not in seen["/store/products"]

    def test_a_login_is_kept_and_renewed_before_it_ends_whatever_the_clocks_say(self) -> None:
        shop, clock = LoginShop(life=1000), Clock()
        client = talk(shop, clock, **LOGIN)
        for at, logins in ((0, 1), (700, 1), (801, 2), (1500, 2), (1602, 3)):
            clock.at = 1_800_000_000.0 + at
            assert _read(client) == EMPTY
            assert shop.logins == logins

    def test_an_expired_token_is_renewed_in_the_same_call(self) -> None:
        shop = LoginShop()
        client = talk(shop, **LOGIN)
        _read(client)
        shop.valid = "revoked"
        assert _read(client) == EMPTY
        assert (shop.logins, client.requests) == (2, 5)
        assert client.state.state == "online"

    def test_a_token_that_tells_nothing_is_used_until_it_is_refused(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"token": "opaque"}) if request.url.path.startswith("/auth") else GOOD

        client = talk(answer, **LOGIN)
        for _ in range(3):
            _read(client)
        assert client.requests == 4

    def test_a_login_that_needs_another_step_names_the_missing_token(self) -> None:
        client = talk(in_turn(httpx.Response(200, json={"location": "https://elsewhere"})), **LOGIN)
        with pytest.raises(MedusaChanged, match="token"):
            _read(client)

    @pytest.mark.parametrize(
        "given",
        [
            {"url": ""},
            {"secret_key": Secret("")},
            {"secret_key": Secret(""), "admin_email": "chu@shop.vn"},
            {"publishable_key": "pk_\nX-Other: 1"},
            {"publishable_key": "khoá"},
        ],
    )
    def test_settings_that_cannot_work_are_refused(self, given: dict[str, Any]) -> None:
        with pytest.raises(InvalidSetting):
            MedusaClient(settings(**given))


class TestRefusedProof:
    """One 401 does not prove a wrong key."""

    def _shop(self, probe: httpx.Response | Exception) -> Any:
        def answer(request: httpx.Request) -> httpx.Response:
            if not request.url.path.startswith("/auth"):
                return REFUSAL
            if isinstance(probe, Exception):
                raise probe
            return probe

        return answer

    def test_a_wrong_key_is_believed_after_occasions_over_minutes(self) -> None:
        clock = Clock()
        client = talk(self._shop(PROPER), clock)
        for _ in range(3):
            with pytest.raises(MedusaUnreachable) as caught:
                _read(client)
            assert caught.value.reason == "unauthorised_perhaps"
            assert (client.state.state, client.state.reason) == ("offline", "unauthorised_perhaps")
            clock.at += caught.value.retry_after
        with pytest.raises(MedusaDenied):
            _read(client)
        assert client.state.state == "denied"
        sent = client.requests
        with pytest.raises(MedusaDenied):
            _read(client)
        assert client.requests == sent, "a denied client still asks"

    def test_calls_in_quick_succession_are_one_occasion(self) -> None:
        clock = Clock()
        client = talk(self._shop(PROPER), clock)
        for second in range(50):
            clock.at = 1_800_000_000.0 + second
            with pytest.raises(MedusaUnreachable):
                _read(client)
        assert client.requests == 2

    @pytest.mark.parametrize(
        "probe",
        [
            httpx.Response(401, json={"type": "unauthorized", "message": "Knex: Timeout acquiring a connection"}),
            httpx.Response(500, json={"type": "unknown_error", "message": "x"}),
            httpx.ReadTimeout("slow"),
        ],
    )
    def test_while_the_database_is_away_no_key_is_wrong(self, probe: httpx.Response | Exception) -> None:
        clock = Clock()
        client = talk(self._shop(probe), clock)
        for _ in range(20):
            with pytest.raises(MedusaUnreachable) as caught:
                _read(client)
            assert caught.value.reason in ("database_away", "circuit_open")
            clock.at += 120
        assert client.state.state == "offline"

    def test_a_key_that_works_again_starts_the_count_anew(self) -> None:
        clock = Clock()
        refused = [True]

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/auth"):
                return PROPER
            return REFUSAL if refused[0] else GOOD

        client = talk(answer, clock)
        for refused[0] in (True, True, True, False, True, True, True):
            if refused[0]:
                with pytest.raises(MedusaUnreachable):
                    _read(client)
            else:
                assert _read(client) == EMPTY
            clock.at += 61
        assert client.state.state == "offline"

    def test_a_denied_key_that_is_restored_is_found_working(self) -> None:
        clock = Clock()
        refused = [True]

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/auth"):
                return PROPER
            return REFUSAL if refused[0] else GOOD

        client = talk(answer, clock)
        while client.state.state != "denied":
            with pytest.raises(ApplianceError):
                _read(client)
            clock.at += 61
        refused[0] = False
        clock.at += 300
        assert _read(client) == EMPTY
        assert client.state.state == "online"

    def test_a_wrong_password_is_believed_the_same_way(self) -> None:
        clock = Clock()
        client = talk(in_turn(PROPER), clock, **LOGIN)
        for _ in range(3):
            with pytest.raises(MedusaUnreachable):
                _read(client)
            clock.at += 61
        with pytest.raises(MedusaDenied, match="password"):
            _read(client)

    def test_a_missing_right_is_told_at_once_and_takes_nothing_offline(self) -> None:
        client = talk(in_turn(httpx.Response(403, json={"type": "forbidden", "message": "no"}), GOOD))
        with pytest.raises(MedusaDenied, match="may not"):
            _read(client)
        assert client.state.state == "online"
        assert _read(client) == EMPTY


class TestTries:
    """What is sent again, after how long, and what is not."""

    def test_reading_is_tried_three_times_with_growing_pauses(self) -> None:
        clock = Clock()
        client = talk(in_turn(httpx.Response(500)), clock)
        with pytest.raises(MedusaUnreachable):
            _read(client)
        assert client.requests == 3
        assert 0.75 <= sum(clock.slept) <= 2.25

    def test_writing_is_sent_once_unless_it_may_be_repeated(self) -> None:
        for retry, requests in ((False, 1), (True, 3)):
            client = talk(in_turn(httpx.ReadError("gone")))
            with pytest.raises(MedusaUnreachable):
                client.post("/admin/products", {}, dict[str, Any], retry=retry)
            assert client.requests == requests

    def test_a_write_carries_its_key_and_decimals_as_numbers(self) -> None:
        sent: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return GOOD

        client = talk(answer)
        client.post(
            "/admin/products", {"amount": Decimal("4.57")}, dict[str, Any], key="row-7", params={"fields": "id"}
        )
        assert sent[0].content == b'{"amount":4.57}'
        assert sent[0].headers["idempotency-key"] == "row-7"
        assert sent[0].headers["content-type"] == "application/json"
        assert sent[0].url == f"{URL}/admin/products?fields=id"

    @pytest.mark.parametrize("status", [429, 503])
    def test_medusa_is_waited_for_as_long_as_it_asks(self, status: int) -> None:
        clock = Clock()
        client = talk(in_turn(httpx.Response(status, headers={"Retry-After": "7"}), GOOD), clock)
        assert _read(client) == EMPTY
        assert 7 <= sum(clock.slept) < 7.5

    def test_a_long_wait_is_left_to_the_caller_and_nobody_asks_meanwhile(self) -> None:
        clock = Clock()
        client = talk(in_turn(httpx.Response(429, headers={"Retry-After": "120"}), GOOD), clock)
        with pytest.raises(MedusaUnreachable) as caught:
            _read(client)
        assert (caught.value.reason, caught.value.retry_after) == ("rate_limited", 120)
        clock.at += 119
        with pytest.raises(MedusaUnreachable) as caught:
            _read(client)
        assert (caught.value.reason, client.requests) == ("circuit_open", 1)
        clock.at += 1
        assert _read(client) == EMPTY
        assert clock.slept == []

    @pytest.mark.parametrize("value", ["soon", "", "-1", "99999999999999999999", "Thu, 32 Nov 2026 99:00:00 GMT"])
    def test_a_strange_retry_after_is_bounded(self, value: str) -> None:
        client = talk(in_turn(httpx.Response(429, headers={"Retry-After": value})))
        with pytest.raises(MedusaUnreachable) as caught:
            _read(client)
        assert 0 <= caught.value.retry_after <= 300

    def test_a_failing_medusa_is_left_alone_and_tried_by_one_request_later(self) -> None:
        clock, down = Clock(), [True]
        client = talk(lambda _: httpx.Response(503) if down[0] else GOOD, clock)
        for _ in range(10):
            with pytest.raises(MedusaUnreachable) as caught:
                _read(client)
        assert caught.value.reason == "circuit_open"
        assert caught.value.retry_after > 0
        assert client.requests == 5
        assert client.state.reason == "server_error", "the breaker hides why"
        clock.at += 6
        with pytest.raises(MedusaUnreachable):
            _read(client)
        assert client.requests == 6
        clock.at += 11
        down[0] = False
        assert _read(client) == EMPTY
        assert client.state.state == "online"

    def test_stopping_ends_the_tries(self) -> None:
        client = talk(in_turn(httpx.Response(500)), stopping=lambda: True)
        with pytest.raises(MedusaUnreachable):
            _read(client)
        assert client.requests == 1

    def test_deleting_may_be_repeated(self) -> None:
        client = talk(in_turn(httpx.ReadError("gone"), httpx.Response(200, json={"id": "x", "deleted": True})))
        client.delete(f"/admin/products/{segment('prod_1')}")
        assert client.requests == 2


class TestAnswers:
    """Typed, or not at all."""

    def test_unknown_fields_are_left_out_and_a_missing_one_is_named_with_its_place(self) -> None:
        body = {"rows": [{"id": "a", "new": 1}, {"new": 2}]}
        client = talk(in_turn(httpx.Response(200, json=body)))
        with pytest.raises(MedusaChanged, match=r"required field `id` - at `\$\[\.\.\.\]\[1\]`"):
            client.get("/admin/x", {}, dict[str, list[Thing]])
        body = {"rows": [{"id": "a", "new": 1}]}
        client = talk(in_turn(httpx.Response(200, json=body)))
        assert client.get("/admin/x", {}, dict[str, list[Thing]]) == {"rows": [Thing("a")]}

    def test_another_type_is_refused_and_leaves_medusa_online(self) -> None:
        client = talk(in_turn(httpx.Response(200, json={"id": 7})))
        with pytest.raises(MedusaChanged, match="Expected `str`, got `int`"):
            client.get("/admin/x", {}, Thing)
        assert client.requests == 1
        assert client.state.state == "online"

    @pytest.mark.parametrize(
        ("status", "type", "kept"), [(400, "invalid_data", 400), (404, "not_found", 404), (499, "odd", 400)]
    )
    def test_a_refusal_carries_what_medusa_says(self, status: int, type: str, kept: int) -> None:
        client = talk(in_turn(httpx.Response(status, json={"type": type, "message": "không được"})))
        with pytest.raises(MedusaRefused) as caught:
            _read(client)
        assert (caught.value.status, caught.value.type, caught.value.said) == (kept, type, "không được")
        assert client.requests == 1
        assert client.state.state == "online"

    @pytest.mark.parametrize("content", [b"<html>Cannot GET", b"not json", b"[]", b'{"type": 1}'])
    def test_a_refusal_that_cannot_be_read_is_one_all_the_same(self, content: bytes) -> None:
        client = talk(in_turn(httpx.Response(404, content=content)))
        with pytest.raises(MedusaRefused) as caught:
            _read(client)
        assert caught.value.status == 404

    def test_medusas_clock_is_told_by_its_answers(self) -> None:
        clock = Clock()
        client = talk(
            in_turn(httpx.Response(200, json=EMPTY, headers={"Date": "Fri, 15 Jan 2027 10:00:00 GMT"})), clock
        )
        assert (client.server_time, client.skew) == (None, None)
        _read(client)
        assert client.server_time == 1_800_007_200.0
        assert client.skew == 7200.0

    def test_filters_keep_their_brackets_and_ids_their_place(self) -> None:
        seen: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(str(request.url))
            return GOOD

        client = talk(answer)
        client.get("/admin/x", {"updated_at[$gte]": "2026-11-22T10:51:45.838Z", "id[]": ("a&b", "ç")}, dict[str, Any])
        client.get(f"/admin/x/{segment('../../auth?x#y')}", {}, dict[str, Any])
        assert seen == [
            f"{URL}/admin/x?updated_at[$gte]=2026-11-22T10:51:45.838Z&id[]=a%26b&id[]=%C3%A7",
            f"{URL}/admin/x/..%2F..%2Fauth%3Fx%23y",
        ]

    @pytest.mark.parametrize("path", ["@evil.vn/x", "evil", "/admin/x?y=1", "/admin/x#y", ""])
    def test_no_path_leads_elsewhere(self, path: str) -> None:
        client = talk(in_turn(GOOD))
        with pytest.raises(ValueError, match="path"):
            client.get(path, {}, dict[str, Any])
        assert client.requests == 0

    @pytest.mark.parametrize("id", ["", ".", ".."])
    def test_an_id_is_no_way_up(self, id: str) -> None:
        with pytest.raises(ValueError, match="id"):
            segment(id)


class TestState:
    """The state of the connection, and who hears of it."""

    def test_changes_are_told_once_with_their_time(self) -> None:
        clock = Clock()
        heard: list[Connectivity] = []
        client = talk(
            in_turn(GOOD, GOOD, httpx.ReadError("gone"), httpx.ReadError("gone"), GOOD), clock, timeout_seconds=0.1
        )
        client.on_change(heard.append)
        assert client.state == Connectivity(since=clock.at)
        _read(client)
        clock.at += 10
        _read(client)
        online = 1_800_000_000.0
        clock.at += 10
        with pytest.raises(MedusaUnreachable):
            client.post("/admin/x", {}, dict[str, Any])
        clock.at += 10
        with pytest.raises(MedusaUnreachable):
            client.post("/admin/x", {}, dict[str, Any])
        clock.at += 10
        _read(client)
        assert [(state.state, state.reason, state.since - online, state.last_ok) for state in heard] == [
            ("online", "", 0, online),
            ("offline", "dropped", 20, online + 10),
            ("online", "", 40, online + 40),
        ]
        assert client.state.last_error == "The connection to Medusa broke off."


class TestVersion:
    """Only Medusa 2 is taken."""

    @pytest.mark.parametrize("login", [PROPER, httpx.Response(200, json={"token": "x"})])
    def test_medusa_2_is_taken(self, login: httpx.Response) -> None:
        require_version_2(talk(in_turn(login)))

    @pytest.mark.parametrize(
        ("login", "regions", "words"),
        [
            (httpx.Response(404, json={"message": "no"}), httpx.Response(200, json={"regions": []}), "runs Medusa 1"),
            (httpx.Response(404, text="<html>"), httpx.Response(200, text="<html>"), "is no Medusa 2"),
            (httpx.Response(404, text="<html>"), httpx.Response(200, json=["regions"]), "is no Medusa 2"),
            (httpx.Response(200, text="<html>"), GOOD, "is no Medusa 2"),
            (httpx.Response(401, text="<html>"), GOOD, "is no Medusa 2"),
            (httpx.Response(302, headers={"Location": "/x"}), GOOD, "is no Medusa 2"),
        ],
    )
    def test_anything_else_is_told(self, login: httpx.Response, regions: httpx.Response, words: str) -> None:
        client = talk(in_turn(login, regions))
        with pytest.raises(MedusaTooOld, match=words) as caught:
            require_version_2(client)
        assert caught.value.hint
        assert client.state.state == "unsupported"

    @pytest.mark.parametrize("login", [httpx.Response(503), httpx.Response(429), httpx.ConnectError("refused")])
    def test_a_medusa_that_fails_is_not_judged(self, login: httpx.Response | Exception) -> None:
        client = talk(in_turn(login))
        with pytest.raises(MedusaUnreachable):
            require_version_2(client)
        assert client.state.state == "offline"


class TestDiscretion:
    """Neither logs nor errors hold a key, a token, an order or a person."""

    SAID = (
        "Order order_01M8CBPRHG2JDT3AD6QRR4MF0E of khach1@kit.test (0910 000 137, +84910000137) with sk_deadbeef, "
        "pk_cafe and eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjF9.c2ln failed"
    )
    PRIVATE = (
        "01M8CBPRHG2JDT3AD6QRR4MF0E",
        "khach1",
        "0910",
        "910000137",
        "deadbeef",
        "cafe",
        "eyJ",
        "mat-khau",
        "chu@",
    )

    @pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 500])
    @pytest.mark.parametrize("given", [{}, LOGIN])
    def test_nothing_private_is_told(
        self, status: int, given: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/auth") and status != 401:
                return httpx.Response(200, json={"token": _token(100)})
            return httpx.Response(status, json={"type": "x", "message": self.SAID, "id": 7})

        client = talk(answer, **given)
        with structlog.testing.capture_logs() as lines, pytest.raises(ApplianceError) as caught:
            client.get("/admin/orders/order_01M8CBPRHG2JDT3AD6QRR4MF0E", {"q": "khach1@kit.test"}, Thing)
        told = (
            repr(lines) + caplog.text + str(caught.value) + repr(caught.value) + caught.value.hint + repr(client.state)
        )
        assert lines
        for private in (*self.PRIVATE, SECRET_KEY):
            assert private not in told

    def test_masking_keeps_what_helps(self) -> None:
        assert faults.masked("Product with id: prod_01M8, was not found (3 of 12)") == (
            "Product with id: prod_01M8, was not found (3 of 12)"
        )
        assert faults.masked("order_id is required") == "order_id is required"
        assert faults.masked("x" * 1000) == "x" * 300
        assert "\x1b" not in faults.masked("a\x1b[2J\nb")


def test_an_address_that_is_no_web_address_is_a_wrong_setting() -> None:
    with pytest.raises(ValueError, match="no web address"):
        Medusa(url="ftp://shop.vn")
