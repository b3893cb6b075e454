"""The push through a proxy that spoils exchanges: every edit arrives once, in order, whatever the line does."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import faults
import pytest
from fake_server import served
from fault_proxy import Fault, FaultProxy
from owner_shop import OwnerShop
from small_medusa import DANANG, HANOI, FakeMedusa

from appliance.medusa.client import MedusaClient
from appliance.medusa.wishes import VariantWish
from appliance.settings import Medusa
from appliance.settings.sections import Secret


class Now:
    """Real time, which a test may put forward instead of waiting."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def fake() -> FakeMedusa:
    made = FakeMedusa()
    for product_id in ("a", "b"):
        made.add(product_id)
    return made


@pytest.fixture
def line(fake: FakeMedusa) -> Iterator[FaultProxy]:
    with served(fake) as url, FaultProxy(url) as proxy:
        yield proxy


@pytest.fixture
def shop(tmp_path: Path, line: FaultProxy) -> Iterator[OwnerShop]:
    now = Now()
    settings = Medusa(url=line.url, secret_key=Secret("sk_test"), timeout_seconds=0.5)
    client = MedusaClient(
        settings,
        now=now,
        clock=lambda: time.monotonic() + now.ahead,
        sleep=lambda _seconds: None,
        random=lambda: random.Random(3),
    )
    made = OwnerShop(tmp_path, client, now)
    made.know_places({HANOI: "Hà Nội", DANANG: "Đà Nẵng"}, HANOI)
    made.pull(["a", "b"])
    yield made
    made.close()


def _edit(shop: OwnerShop, number: int) -> None:
    for count in range(number):
        id_ = "ab"[count % 2]
        if count % 3 == 0:
            shop.want(id_, title=f"Tên {count}")
        elif count % 3 == 1:
            shop.want(id_, VariantWish(id=f"variant_{id_}_0", prices={"VND": Decimal(1000 + count)}))
        else:
            shop.want(id_, VariantWish(id=f"variant_{id_}_0", stock=100 + count))


def _push_until_done(shop: OwnerShop, fake: FakeMedusa, rounds: int) -> None:
    """Push again and again, as the schedule does, and check that every edit arrived once, in order."""
    queued = [edit.id for edit in reversed(shop.outbox.list(limit=1000))]
    for _ in range(rounds):
        if not shop.push.run().waiting:
            break
        shop.clock.ahead += 301
    assert shop.states() == [(state, outcome) for state, outcome in shop.states() if state == "sent"]
    assert [write.key for write in fake.writes] == queued


@pytest.mark.parametrize(
    "fault",
    [
        faults.drop_before,
        faults.drop_after,
        faults.cut_short,
        faults.truncated,
        faults.garbage,
        faults.html,
        faults.wrong_key,
        faults.redirect_loop,
        lambda: faults.status(500),
        lambda: faults.rate_limited(7),
        lambda: faults.hang(1.5),
        lambda: faults.late(1.5),
        lambda: faults.wrong_clock(7200),
    ],
    ids=[
        "drop_before",
        "drop_after",
        "cut_short",
        "truncated",
        "garbage",
        "html",
        "wrong_key",
        "redirect_loop",
        "500",
        "429",
        "hang",
        "late",
        "clock",
    ],
)
@pytest.mark.parametrize("method", ["WRITE", "GET"])
def test_a_fault_costs_no_edit_and_doubles_none(
    shop: OwnerShop, fake: FakeMedusa, line: FaultProxy, fault: Callable[[], Fault], method: str
) -> None:
    _edit(shop, 6)
    rule = line.add(fault(), method=method, times=2)
    _push_until_done(shop, fake, 12)
    assert rule.applied == 2


@pytest.mark.slow
def test_a_bad_line_brings_every_edit_in_order(shop: OwnerShop, fake: FakeMedusa, line: FaultProxy) -> None:
    _edit(shop, 60)
    makers = (faults.drop_before, faults.drop_after, faults.truncated, lambda: faults.status(502), faults.garbage)
    rules = [line.add(make(), probability=0.06, seed=seed) for seed, make in enumerate(makers)]
    _push_until_done(shop, fake, 200)
    assert all(rule.applied for rule in rules)
