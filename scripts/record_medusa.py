"""Record the answers of a real Medusa to every call of the appliance, for the contract tests that run everywhere.

python scripts/record_medusa.py KIT.json   # what the test server prints when it starts

Use a fresh server with few products (only the trap products are read in full); its data is changed. The recorded
persons are the demo shop's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "medusa"))

from contract import FOLDER, READING, WRITING, Exchange, Facts, Shop, settings

from appliance.medusa.client import MedusaClient
from appliance.medusa.faults import MedusaRefused
from appliance.medusa.reading import Reader


class Recording(httpx.BaseTransport):
    """Passes requests on and keeps what was asked and answered."""

    def __init__(self) -> None:
        self._real = httpx.HTTPTransport(trust_env=False)
        self.kept: list[Exchange] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = request.read()
        answer = self._real.handle_request(request)
        body = answer.read()
        self.kept.append(
            Exchange(
                method=request.method,
                target=request.url.raw_path.decode(),
                sent=msgspec.Raw(sent or b"null"),
                status=answer.status_code,
                answer=msgspec.Raw(body),
            )
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


def main() -> None:
    """Record all calls."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kit", type=Path)
    kit = msgspec.json.decode(parser.parse_args().kit.read_bytes())
    recording = Recording()
    client = MedusaClient(settings(kit["base_url"], kit["secret_key"]), transport=recording)
    facts = _facts(kit, Reader(client))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "facts.json").write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n")
    shop = Shop(client, facts)
    for name, call in {**READING, **WRITING}.items():
        recording.kept.clear()
        try:
            call(shop)
        except MedusaRefused:
            if not name.endswith("_unknown"):
                raise
        lines = b"".join(msgspec.json.encode(kept) + b"\n" for kept in recording.kept)
        assert kit["secret_key"].encode() not in lines
        (FOLDER / f"{name}.jsonl").write_bytes(lines)
        print(f"{name:26} {len(recording.kept):3} requests {len(lines):8} bytes")
    client.close()


def _facts(kit: dict[str, Any], read: Reader) -> Facts:
    products = {product.handle: product for product in read.products([row.id for row in read.product_ids()])}
    stages: dict[str, list[str]] = {}
    for order in kit["orders"]:
        stages.setdefault(order["stage"], []).append(order["id"])
    regional, unstocked = products["edge-gia-theo-vung"], products["edge-khong-muc-kho"]
    double, two = products["edge-bo-doi"], products["edge-hai-kho"]
    given = {name: kit[name] for name in Facts.__struct_fields__ if name in kit}
    return Facts(
        **given,
        edges={handle: product.id for handle, product in products.items() if handle.startswith("edge-")},
        stages=stages,
        since=min(product.updated_at for product in products.values()),
        item_ids=[product.variants[0].inventory_items[0].inventory_item_id for product in (double, two)],
        customer_ids=[customer.id for rows in read.customer_pages() for customer in rows][:2],
        variant_id=regional.variants[0].id,
        unstocked_item_id=unstocked.variants[0].inventory_items[0].inventory_item_id,
        category_ids=sorted(products["edge-hai-danh-muc"].categories),
    )


if __name__ == "__main__":
    main()
