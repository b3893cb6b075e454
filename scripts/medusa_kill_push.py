"""Kill the appliance while the owner's edits go to a real Medusa: the rounds called ``push`` of ``medusa_kill.py``."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from medusa_box import BY_REQUEST, Box, first_differences
from medusa_rounds import MOST_KILLS, Killer, Round, settle
from medusa_truth import Access, Medusa

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "medusa"))

from fault_proxy import FaultProxy, Seen

EDITS = 16
"""Of the owner's in a round of ``push``."""
PUSH_SECONDS = 12.0
"""Within which a push is killed: about what so many edits take."""


def push_rounds(access: Access, rounds: int, draw: random.Random, tell: Callable[[Round], None]) -> list[Round]:
    """Kill while edits are sent."""
    found = []
    with tempfile.TemporaryDirectory() as folder, FaultProxy(access.base_url) as proxy:
        box = Box(Path(folder) / "data", access, proxy.url, **BY_REQUEST)
        with box.running():
            box.copy()
        for number in range(1, rounds + 1):
            done = Round("push", number)
            proxy.forget()
            _push(box, Killer(draw), done)
            done.problems += told_twice(proxy.seen("/admin/*", "WRITE"), len(done.killed_at))
            box.sync("now")
            report = box.compare()
            if not report.is_equal:
                done.problems += ["the mirror differs", *first_differences(report)]
            settle(box)
            box.stop()
            found.append(done)
            tell(done)
    return found


def _push(box: Box, killer: Killer, done: Round) -> None:
    """Change titles and prices here, kill once or more, and let all of it arrive."""
    box.start()
    expected = edit(box, killer.draw, f"{done.number}")
    for kill in range(killer.draw.randint(1, MOST_KILLS)):
        if kill:
            box.start()
        time.sleep(killer.draw.uniform(0.0, PUSH_SECONDS))
        waiting = box.ask("GET", "/v1/admin/sync")["outbox"].get("waiting", 0)
        done.killed_at.append(f"{waiting} waiting")
        box.kill()
    began = time.monotonic()
    box.start()
    while (outbox := box.ask("GET", "/v1/admin/sync")["outbox"]).get("waiting", 0):
        if time.monotonic() > began + 120:
            done.problems.append(f"not all was sent: {outbox}")
            return
        time.sleep(0.1)
    done.seconds = round(time.monotonic() - began, 1)
    odd = {state: count for state, count in outbox.items() if state != "sent" and count}
    if odd:
        done.problems.append(f"the outbox holds {odd}")
    arrived(box.access, expected, done)


def edit(box: Box, draw: random.Random, mark: str) -> dict[str, tuple[str, str, int]]:
    """Change titles and prices and return what Medusa must have in the end: by product title, variant and price."""
    items = box.ask("GET", "/v1/admin/products", limit=100)["items"]
    able = [item for item in items if item["status"] == "published" and item["variants"] and item["currency"] == "VND"]
    expected: dict[str, tuple[str, str, int]] = {}
    for item in draw.sample(able, EDITS // 2):
        title, price = f"Tên {mark} {item['handle']}", draw.randint(20, 2000) * 1000
        variant = item["variants"][0]["id"]
        box.ask("PATCH", f"/v1/admin/products/{item['id']}", {"title": title})
        box.ask("PATCH", f"/v1/admin/products/{item['id']}", {"variants": [{"id": variant, "price": price}]})
        expected[item["id"]] = (title, variant, price)
    return expected


def arrived(access: Access, expected: Mapping[str, tuple[str, str, int]], done: Round) -> None:
    """Note what Medusa, asked directly, did not get."""
    medusa = Medusa(access)
    fields = "id,title,variants.id,variants.prices.amount,variants.prices.currency_code,variants.prices.min_quantity"
    # Without both, a regional price looks like a plain one.
    rules = "variants.prices.price_rules.attribute,variants.prices.price_rules.value"
    for row in medusa.all("/admin/products", f"{fields},{rules}"):
        if row["id"] in expected:
            title, variant_id, price = expected[row["id"]]
            [variant] = [one for one in row["variants"] if one["id"] == variant_id]
            plain = [
                one["amount"]
                for one in variant["prices"]
                if one["currency_code"] == "vnd" and not one["rules"] and (one["min_quantity"] or 0) <= 1
            ]
            if (row["title"], plain) != (title, [price]):
                done.problems.append(f"Medusa has {row['title']!r} at {plain} instead of {title!r} at {price}")


def told_twice(writes: Sequence[Seen], kills: int) -> list[str]:
    """Return a problem when a write was sent again more often than a kill can have left it in doubt."""
    answered = Counter((seen.path, seen.body) for seen in writes if seen.status == 200)
    again = sum(answered.values()) - len(answered)
    return [f"{again} writes were sent again after {kills} kills"] if again > kills else []
