"""The door for events: only what is signed, fresh and new comes in, and nothing that comes in breaks it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from fake_medusa import FakeMedusa
from synced_shop import SECRET, T0, Clock, SyncedShop

from appliance.errors import InvalidInput, Unauthorised
from appliance.medusa.hooks import WINDOW_SECONDS


def body(fake: FakeMedusa, event: str = "product.updated", data: Any = None, *, at: float = T0, **more: Any) -> bytes:
    """Return an event as Medusa's relay sends it."""
    told = {"event": event, "data": {"id": "prod_0001"} if data is None else data, "sent_at": fake.stamp(at)}
    return msgspec.json.encode(told | more)


def signed(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return the header that proves a body."""
    return {"x-appliance-signature": "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}


def waiting(shop: SyncedShop) -> list[tuple[str, tuple[str, ...]]]:
    return [(event.event, event.ids) for event in shop.medusa.events.waiting()]


def test_a_signed_event_is_kept(shop: SyncedShop, fake: FakeMedusa) -> None:
    raw = body(fake, metadata={"created_at": "x"})
    assert shop.medusa.intake.take(raw, signed(raw)) is True
    assert waiting(shop) == [("product.updated", ("prod_0001",))]


@pytest.mark.parametrize("name", ["X-Kit-Signature", "x-medusa-signature", "X-Hub-Signature"])
def test_any_header_that_ends_so_may_carry_it(shop: SyncedShop, fake: FakeMedusa, name: str) -> None:
    raw = body(fake)
    (value,) = signed(raw).values()
    assert shop.medusa.intake.take(raw, {"x-other-signature": "sha256=00", name: f" {value} "})


def _headers(raw: bytes) -> list[tuple[str, Mapping[str, str]]]:
    (right,) = signed(raw).values()
    return [
        ("none", {}),
        ("another secret", signed(raw, "other")),
        ("an empty secret", signed(raw, "")),
        ("another body's", signed(raw + b" ")),
        ("cut short", {"x-appliance-signature": right[:-1]}),
        ("no scheme", {"x-appliance-signature": right.removeprefix("sha256=")}),
        ("capitals", {"x-appliance-signature": right.upper()}),
        ("no ASCII", {"x-appliance-signature": "sha256=é"}),
        ("in another header", {"authorization": right}),
    ]


def test_a_wrong_signature_is_refused(shop: SyncedShop, fake: FakeMedusa) -> None:
    raw = body(fake)
    for what, headers in _headers(raw):
        with pytest.raises(Unauthorised):
            shop.medusa.intake.take(raw, headers)
            pytest.fail(what)
    for place in range(0, len(raw), 7):
        altered = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(Unauthorised):
            shop.medusa.intake.take(altered, signed(raw))
    assert waiting(shop) == []


def test_without_a_secret_nothing_comes_in(shop: SyncedShop, fake: FakeMedusa) -> None:
    shop.reopen(webhook_secret="")
    raw = body(fake)
    with pytest.raises(Unauthorised):
        shop.medusa.intake.take(raw, signed(raw, ""))


@pytest.mark.parametrize(
    ("at", "is_fresh"),
    [(T0 - WINDOW_SECONDS - 1, False), (T0 - WINDOW_SECONDS, True), (T0 + 299, True), (T0 + 301, False)],
)
@pytest.mark.parametrize("skew", [0.0, 7200.0, -7200.0])
def test_only_fresh_events_by_medusas_clock(
    shop: SyncedShop, fake: FakeMedusa, at: float, is_fresh: bool, skew: float
) -> None:
    fake.skew = skew
    shop.medusa.test()
    raw = body(fake, at=at + skew)
    if is_fresh:
        assert shop.medusa.intake.take(raw, signed(raw))
    else:
        with pytest.raises(Unauthorised):
            shop.medusa.intake.take(raw, signed(raw))


@pytest.mark.parametrize("event", ["product.updated", "cart.updated"])
def test_an_event_is_taken_once_also_after_a_restart(
    shop: SyncedShop, fake: FakeMedusa, clock: Clock, event: str
) -> None:
    raw = body(fake, event, at=T0 + WINDOW_SECONDS)
    shop.medusa.intake.take(raw, signed(raw))
    shop.medusa.events.followed([one.digest for one in shop.medusa.events.waiting()])
    for restart in (False, True):
        if restart:
            shop.reopen()
        for at in (T0, T0 + WINDOW_SECONDS, T0 + 2 * WINDOW_SECONDS):
            clock.at = at
            other = body(fake, "order.placed", at=at, restart=restart)
            shop.medusa.intake.take(other, signed(other))
            with pytest.raises(Unauthorised):
                shop.medusa.intake.take(raw, signed(raw))


def test_an_event_that_was_not_followed_is_never_forgotten(shop: SyncedShop, fake: FakeMedusa, clock: Clock) -> None:
    raw = body(fake)
    shop.medusa.intake.take(raw, signed(raw))
    clock.at = T0 + 86_400
    other = body(fake, at=clock.at)
    shop.medusa.intake.take(other, signed(other))
    assert len(waiting(shop)) == 2


def test_what_is_none_of_ours_is_remembered_and_not_followed(shop: SyncedShop, fake: FakeMedusa) -> None:
    raw = body(fake, "cart.updated")
    assert shop.medusa.intake.take(raw, signed(raw)) is False
    assert waiting(shop) == []
    with pytest.raises(Unauthorised):
        shop.medusa.intake.take(raw, signed(raw))


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        ({"id": "prod_1"}, ("prod_1",)),
        ({"id": ["prod_1", "prod_2", "prod_1"]}, ("prod_1", "prod_2")),
        ([{"id": "prod_1"}, {"id": "prod_2"}], ("prod_1", "prod_2")),
        ({"id": "ilev_1", "order_id": "order_1", "variant_id": "variant_1"}, ("ilev_1", "order_1", "variant_1")),
        ({"id": ["bad id", "x" * 129, "", None, 7, "ok\n", "../x", "prod_1"]}, ("prod_1",)),
        ({}, ()),
        ([], ()),
        ("prod_1", ()),
        (7, ()),
        ([[{"id": "prod_1"}]], ()),
    ],
)
def test_ids_are_found_in_every_shape(shop: SyncedShop, fake: FakeMedusa, data: Any, ids: tuple[str, ...]) -> None:
    raw = body(fake, data=data)
    assert shop.medusa.intake.take(raw, signed(raw))
    assert waiting(shop) == [("product.updated", ids)]


def test_very_many_ids_are_a_look_at_everything(shop: SyncedShop, fake: FakeMedusa) -> None:
    raw = body(fake, data={"id": [f"prod_{number}" for number in range(5000)]})
    assert shop.medusa.intake.take(raw, signed(raw))
    assert len(waiting(shop)[0][1]) <= 1000


GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b"[" * 50_000,
    b'{"event": 7, "data": {}, "sent_at": "2026-01-01T00:00:00Z"}',
    b'{"event": "product.updated", "data": {}}',
    b'{"event": "product.updated", "data": {}, "sent_at": "yesterday"}',
    b'{"event": "product.updated", "data": {}, "sent_at": null}',
    b'{"event": "product.updated", "sent_at": "2026-09-21T14:13:20Z"}',
    b'{"event": "product.\\ud800", "data": {}, "sent_at": "2026-09-21T14:13:20Z"}',
    b'{"event": "product.updated", "data": ' + b"[" * 5000 + b"]" * 5000 + b', "sent_at": "2026-09-21T14:13:20Z"}',
]


@pytest.mark.parametrize("raw", GARBAGE)
def test_signed_garbage_is_bad_input(shop: SyncedShop, raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        shop.medusa.intake.take(raw, signed(raw))


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-09-21T14:13:20"])
def test_times_at_the_edges_are_stale(shop: SyncedShop, sent_at: str) -> None:
    raw = msgspec.json.encode({"event": "product.updated", "data": {}, "sent_at": sent_at})
    with pytest.raises(Unauthorised):
        shop.medusa.intake.take(raw, signed(raw))


def test_odd_names_are_kept_as_they_are(shop: SyncedShop, fake: FakeMedusa) -> None:
    for event in ("\x00.updated", "é" * 500, "a.b.c.d.product.updated", "product." + "x" * 500):
        raw = body(fake, event)
        shop.medusa.intake.take(raw, signed(raw))
    assert len(waiting(shop)) == 2
    shop.pull("full")
    assert waiting(shop) == []
