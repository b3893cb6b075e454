"""The short lists that products hang on: regions, places, channels, categories, collections, types, tags, prices."""

from __future__ import annotations

from appliance.medusa import records
from appliance.medusa.pull_products import read_products
from appliance.medusa.reading_pass import Pass
from appliance.settings import Medusa


def read_shop(run: Pass, settings: Medusa, *, prices: bool = True) -> None:
    """Read every short list whole; products that hang on what changed are shown anew.

    The prices of price lists, which may be one for each variant of the shop, are read if ``prices`` says so, or when a
    list was made, switched, dated or deleted.
    """
    run.tell(0.0, "shop")
    reader, mirror, count = run.reader, run.mirror, run.report.count
    with run.exchange:
        count("store", mirror.write_all(records.Store, [reader.store()]))
        count("region", mirror.write_all(records.Region, reader.regions()))
        count("location", mirror.write_locations(reader.stock_locations()))
        count("channel", mirror.write_all(records.SalesChannel, reader.sales_channels()))
        key = settings.publishable_key
        mirror.write_channels(reader.publishable_key_channels(key) if key else None)
    run.tell(0.4, "shop")
    with run.exchange:
        count("category", mirror.write_categories(reader.categories()))
        count("collection", mirror.write_all(records.Collection, reader.collections(), links_as="collection"))
        count("type", mirror.write_all(records.ProductType, reader.types(), links_as="type"))
    run.tell(0.7, "shop")
    with run.exchange:
        tagged = _read_tags(run)
    read_products(run, tagged)
    if prices or reader.price_list_heads() != mirror.price_list_heads():
        read_price_lists(run)


def read_price_lists(run: Pass) -> None:
    """Read every price list with its prices."""
    run.tell(0.8, "shop")
    with run.exchange:
        run.report.count("price_list", run.mirror.write_price_lists(run.reader.price_lists()))


def _read_tags(run: Pass) -> list[str]:
    """Read every tag, and return the products that bear one which is called otherwise now, or gone."""
    before = run.mirror.all(records.Tag)
    now = {tag.id: tag for tag in run.reader.tags()}
    run.report.count("tag", run.mirror.write_all(records.Tag, now.values()))
    former = [tag.value for tag in before.values() if now.get(tag.id) != tag]
    return run.mirror.repository.products_using("tag", former)
