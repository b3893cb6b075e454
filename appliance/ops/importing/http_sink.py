"""Hands batches to the running process that owns the stores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import httpx
import msgspec

from appliance.domain import Interaction, Product
from appliance.errors import ApplianceError, Unavailable
from appliance.ops.importing.faq import faq_row
from appliance.ops.importing.faults import RowFault
from appliance.ops.importing.orders import order_row
from appliance.ops.importing.sinks import BatchResult
from appliance.ops.importing.wire import BatchReply, interaction_row, link_row, product_row
from appliance.store.faq import FaqEntry
from appliance.store.journal_rows import Identification
from appliance.store.orders import OrderRecord

_MAX_BODY_BYTES = 900_000
"""Below the default request limit of 1 MiB."""
_TRIES = 60
_BUSY = (429, 503)


class HttpSink:
    """Posts to the admin API. ``client`` carries the base address and the local token."""

    batch_size = 500

    def __init__(self, client: httpx.Client, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def products(self, batch: Sequence[Product]) -> BatchResult:
        rows = [msgspec.json.encode(product_row(product)) for product in batch]
        return self._send("/v1/admin/import/products", b'{"products":[%s]}', rows)

    def interactions(self, batch: Sequence[Interaction], *, create_products: bool) -> BatchResult:
        rows = [msgspec.json.encode(interaction_row(interaction)) for interaction in batch]
        create = b"true" if create_products else b"false"
        frame = b'{"create_products":' + create + b',"interactions":[%s]}'
        return self._send("/v1/admin/import/interactions", frame, rows)

    def links(self, batch: Sequence[Identification]) -> BatchResult:
        rows = [msgspec.json.encode(link_row(link)) for link in batch]
        return self._send("/v1/admin/import/links", b'{"links":[%s]}', rows)

    def orders(self, batch: Sequence[OrderRecord]) -> BatchResult:
        rows = [msgspec.json.encode(order_row(order)) for order in batch]
        return self._send("/v1/admin/import/orders", b'{"orders":[%s]}', rows)

    def faq(self, batch: Sequence[FaqEntry]) -> BatchResult:
        rows = [msgspec.json.encode(faq_row(entry)) for entry in batch]
        return self._send("/v1/admin/import/faq", b'{"faq":[%s]}', rows)

    def _send(self, path: str, frame: bytes, rows: list[bytes]) -> BatchResult:
        total = BatchResult(rejected=[])
        for start, part in _parts(rows):
            reply = self._post(path, frame % b",".join(part))
            total.inserted += reply.inserted
            total.updated += reply.updated
            total.unchanged += reply.unchanged
            total.parked += reply.parked
            total.created_products += reply.created_products
            for row in reply.rejected:
                total.rejected.append((start + row.index, RowFault(row.code, row.column, **row.values)))
        return total

    def _post(self, path: str, body: bytes) -> BatchReply:
        """Send one batch, waiting while the process is busy. Raises ``ApplianceError``."""
        for _ in range(_TRIES):
            try:
                answer = self._client.post(path, content=body, headers={"Content-Type": "application/json"})
            except httpx.HTTPError as error:
                raise Unavailable(f"The running appliance does not answer: {error}.") from None
            if answer.status_code in _BUSY:
                self._sleep(_retry_after(answer))
                continue
            if answer.is_success:
                return msgspec.json.decode(answer.content, type=BatchReply)
            raise _refused(answer)
        raise Unavailable("The running appliance stays busy.", retry_after=60.0)


def _parts(rows: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Cut a batch where a request would grow too large."""
    start = size = 0
    for index, row in enumerate(rows):
        if size and size + len(row) > _MAX_BODY_BYTES:
            yield start, rows[start:index]
            start, size = index, 0
        size += len(row) + 1
    if start < len(rows):
        yield start, rows[start:]


def _retry_after(answer: httpx.Response) -> float:
    try:
        return min(max(float(answer.headers.get("Retry-After", "1")), 0.1), 30.0)
    except ValueError:
        return 1.0


def _refused(answer: httpx.Response) -> ApplianceError:
    try:
        problem = answer.json()
        detail = str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        detail = answer.text[:200]
    return ApplianceError(f"The running appliance refused the import ({answer.status_code}): {detail}")
