"""Products: the whole copy, a few by id, and the sweep for changes that Medusa does not date."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from appliance.medusa import records
from appliance.medusa.merging import Membership, membership_of, price_fingerprint
from appliance.medusa.mirror import Within
from appliance.medusa.paging import BATCH, batches
from appliance.medusa.projection import stock_items
from appliance.medusa.reading_pass import Pass

_KIND = "product"


def copy_products(run: Pass, after: str, mark: Callable[[str], Within]) -> None:
    """Read every product whose id comes after one, in order of id, then drop what is gone.

    ``mark`` gives what notes, in the transaction of each page, up to which product the copy has come.
    """
    listed = sorted(change.id for change in run.reader.product_ids())
    wanted = [id_ for id_ in listed if id_ > after]
    for done, batch in enumerate(batches(wanted)):
        run.tell(done * BATCH / len(wanted), "products")
        read_products(run, batch, within=mark(batch[-1]))
    drop_missing(run, listed)


def drop_missing(run: Pass, listed: Collection[str]) -> None:
    """Forget products that a full list of ids lacks.

    Each is asked for by its id first: a list that was cut short on the way must not empty the shop.
    """
    missing = sorted(run.mirror.repository.ids(_KIND) - set(listed))
    for batch in batches(missing):
        read_products(run, batch)


def read_products(run: Pass, ids: Sequence[str], *, within: Within | None = None) -> None:
    """Read some products anew, with the stock items that are not known yet; those that are gone are forgotten.

    One that is being made at this moment is left to the next look at changes, which reaches back over it.
    """
    for batch in batches(list(dict.fromkeys(ids))):
        with run.exchange:
            found = run.reader.read_products(batch)
            read_missing_items(run, found.products)
            gone = run.mirror.repository.get(_KIND, found.gone)
            run.report.count(_KIND, run.mirror.write_products(found.products, gone, within=within))


def read_missing_items(run: Pass, products: Sequence[records.Product]) -> None:
    """Read the stock items that products name and the mirror lacks."""
    named = stock_items(products)
    known = run.mirror.repository.get("inventory_item", named)
    unknown = [id_ for id_ in named if id_ not in known]
    if unknown:
        found = run.reader.inventory_items(unknown)
        run.report.count("inventory_item", run.mirror.write_items({item.id: item for item in found}))


def sweep_products(run: Pass) -> None:
    """Compare ids, prices and memberships of all products with the mirror, and read anew those that differ."""
    run.tell(0.0, "sweep")
    listed = [change.id for change in run.reader.product_ids()]
    known = run.mirror.repository.ids(_KIND)
    different = [id_ for id_ in listed if id_ not in known]
    run.tell(0.2, "sweep")
    fingerprints = run.reader.price_fingerprints()
    run.tell(0.5, "sweep")
    memberships = run.reader.memberships()
    run.tell(0.7, "sweep")
    for batch in batches(sorted(known)):
        for id_, product in run.mirror.some(records.Product, batch).items():
            if _differs(product, fingerprints.get(id_), memberships.get(id_)):
                different.append(id_)
    run.tell(0.8, "sweep")
    read_products(run, different)
    drop_missing(run, listed)


def sweep_channels(run: Pass) -> None:
    """Read the products anew whose sales channels are not those of the mirror."""
    run.tell(0.8, "sweep")
    channels = run.reader.product_channels()
    different: list[str] = []
    for batch in batches(sorted(channels)):
        stored = run.mirror.some(records.Product, batch)
        different += [id_ for id_ in batch if id_ not in stored or stored[id_].sales_channels != channels[id_]]
    read_products(run, different)


def _differs(product: records.Product, prices: str | None, belongings: Membership | None) -> bool:
    """Tell whether a product is not as the sweep saw it; what the sweep did not see says nothing."""
    return (prices is not None and prices != price_fingerprint(product.variants)) or (
        belongings is not None and belongings != membership_of(product)
    )
