"""kill -9 at every step of a push: no edit is lost, and none is sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fake_server import served
from fault_proxy import Exchange, Fault, FaultProxy
from live_medusa import LiveMedusa
from own_products import know_shop, make_products
from owner_shop import OwnerShop
from small_medusa import DANANG, HANOI, FakeMedusa

from appliance.medusa.client import MedusaClient
from appliance.medusa.wishes import VariantWish
from appliance.settings import Medusa
from appliance.settings.sections import Secret

ROUNDS = int(os.environ.get("KILL_ROUNDS", "8"))
STEPS = ("before_look", "before_http", "after_http", "before_mark", "after_mark")
CHILD = Path(__file__).with_name("push_child.py")

pytestmark = [pytest.mark.crash, pytest.mark.slow]


class Round:
    """One pushing process and what kills it."""

    def __init__(self, folder: Path, proxy: FaultProxy, key: str) -> None:
        self._command = [sys.executable, str(CHILD), str(folder), proxy.url, key]
        self._proxy = proxy
        self._child: subprocess.Popen[bytes] | None = None
        self._writes = 0

    def run(self, step: str = "") -> list[str]:
        """Push until it is killed at a step, or to the end; returns what the process printed."""
        self._writes = len(self._proxy.seen(method="WRITE"))
        self._proxy.clear()
        if fault := self._faults().get(step):
            method = "GET" if step in ("before_look", "before_mark") else "WRITE"
            self._proxy.add(fault, method=method, times=1)
        self._child = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        assert self._child.stdout is not None
        lines = []
        for line in self._child.stdout:
            lines.append(line.decode().strip())
            if step == "after_mark":
                self._kill()
        status = self._child.wait(60)
        assert status == (-signal.SIGKILL if step else 0), lines
        return lines

    def _kill(self) -> None:
        assert self._child is not None
        self._child.kill()

    def _faults(self) -> dict[str, Fault]:
        def before(exchange: Exchange) -> bool:
            self._kill()
            exchange.drop()
            return True

        def after(exchange: Exchange) -> bool:
            exchange.forward()
            return before(exchange)

        def once_written(exchange: Exchange) -> bool:
            return len(self._proxy.seen(method="WRITE")) > self._writes and before(exchange)

        return {"before_look": before, "before_http": before, "after_http": after, "before_mark": once_written}


def _kill_and_go_on(folder: Path, proxy: FaultProxy, key: str, step: str, rounds: int, queued: list[str]) -> None:
    """Kill that many pushes at a step, let the last one end, and check that each edit arrived once, in order."""
    pushing = Round(folder, proxy, key)
    for _ in range(rounds):
        pushing.run(step)
    pushing.run()
    arrived = [seen.idempotency_key for seen in proxy.seen(method="WRITE") if seen.status == 200]
    assert Counter(arrived) == Counter(queued)
    assert arrived == queued


def _shop(folder: Path, url: str, key: str) -> OwnerShop:
    client = MedusaClient(Medusa(url=url, secret_key=Secret(key)))
    return OwnerShop(folder, client, time.time)


def _edit(shop: OwnerShop, products: list[str], variant: Callable[[str], str], rounds: int) -> list[str]:
    """Queue more edits than there are rounds, of several kinds, and return their ids in order."""
    wishes: tuple[Callable[[str, int], Any], ...] = (
        lambda id_, n: shop.want(id_, title=f"Tên {n}"),
        lambda id_, n: shop.want(id_, VariantWish(id=variant(id_), prices={"VND": Decimal(1000 + n)})),
        lambda id_, n: shop.want(id_, VariantWish(id=variant(id_), stock=100 + n)),
        lambda id_, n: shop.want(id_, description=f"Mô tả {n}"),
        lambda id_, n: shop.want(id_, status=("draft", "published")[n // len(wishes) % 2]),
    )
    number = 0
    while len(shop.outbox.list(limit=1000)) < rounds + 6:
        # Each product gets every kind: a kind that follows itself would change nothing between draft and published.
        wishes[number % len(wishes)](products[0] if number % 5 == 4 else products[number % len(products)], number)
        number += 1
    return [edit.id for edit in reversed(shop.outbox.list(limit=1000))]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.timeout(60 + 15 * ROUNDS)
def test_kill_loses_no_edit_and_sends_none_twice(tmp_path: Path, step: str) -> None:
    fake = FakeMedusa()
    for product_id in ("a", "b", "c"):
        fake.add(product_id)
    with served(fake) as url, FaultProxy(url) as proxy:
        shop = _shop(tmp_path, url, "sk_test")
        shop.know_places({HANOI: "Hà Nội", DANANG: "Đà Nẵng"}, HANOI)
        shop.pull(["a", "b", "c"])
        queued = _edit(shop, ["a", "b", "c"], lambda id_: f"variant_{id_}_0", ROUNDS)
        wanted = {id_: shop.catalogue.product(id_) for id_ in ("a", "b", "c")}
        shop.close()
        _kill_and_go_on(tmp_path, proxy, "sk_test", step, ROUNDS, queued)
        assert [write.key for write in fake.writes] == queued
        after = _shop(tmp_path, url, "sk_test")
        assert after.outbox.counts() == {"sent": len(queued)}
        after.pull(["a", "b", "c"])
        assert {id_: after.catalogue.product(id_) for id_ in ("a", "b", "c")} == wanted
        after.close()


@pytest.mark.medusa_long
@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_kill_against_the_real_server(tmp_path: Path, medusa: LiveMedusa) -> None:
    rounds = max(2, ROUNDS // 2)
    for step in STEPS:
        variants = make_products(medusa, 3)
        folder = tmp_path / step
        folder.mkdir()
        with FaultProxy(medusa.base_url) as proxy:
            shop = _shop(folder, medusa.base_url, medusa.secret_key)
            know_shop(shop)
            shop.pull(list(variants))
            queued = _edit(shop, list(variants), variants.__getitem__, rounds)
            wanted = {id_: shop.catalogue.product(id_) for id_ in variants}
            shop.close()
            _kill_and_go_on(folder, proxy, medusa.secret_key, step, rounds, queued)
            after = _shop(folder, medusa.base_url, medusa.secret_key)
            after.pull(list(variants))
            assert {id_: after.catalogue.product(id_) for id_ in variants} == wanted
            after.close()
