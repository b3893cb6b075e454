"""Stock: every level of every item, or the items that something just happened to."""

from __future__ import annotations

from collections.abc import Collection

from appliance.medusa import records
from appliance.medusa.paging import batches
from appliance.medusa.projection import stock_items
from appliance.medusa.reading_pass import Pass

_KIND = "inventory_item"


def read_stock(run: Pass) -> None:
    """Read all stock items; items that are gone are forgotten."""
    listed: set[str] = set()
    pages = run.reader.inventory_pages()
    while True:
        run.tell(0.5, "stock")
        with run.exchange:
            page = next(pages, None)
            if page is None:
                break
            run.report.count(_KIND, run.mirror.write_items({item.id: item for item in page}))
        listed.update(item.id for item in page)
    missing = sorted(run.mirror.repository.ids(_KIND) - listed)
    read_items(run, missing)


def read_items(run: Pass, ids: Collection[str]) -> None:
    """Read some stock items anew; those that are gone are forgotten."""
    for batch in batches(sorted(set(ids))):
        run.tell(1.0, "stock")
        with run.exchange:
            found = {item.id: item for item in run.reader.inventory_items(batch)}
            gone = [id_ for id_ in batch if id_ not in found]
            run.report.count(_KIND, run.mirror.write_items(found, gone))


def read_stock_of(run: Pass, product_ids: Collection[str]) -> None:
    """Read the stock of some products anew."""
    read_items(run, stock_items(run.mirror.some(records.Product, sorted(product_ids)).values()))
