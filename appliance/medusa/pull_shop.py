"""The short lists that products hang on: regions, places, channels, categories, collections, types, tags, prices."""

from __future__ import annotations

from appliance.medusa import records
from appliance.medusa.reading_pass import Pass
from appliance.settings import Medusa


def read_shop(run: Pass, settings: Medusa) -> None:
    """Read every short list whole; products that hang on what changed are shown anew."""
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
        count("tag", mirror.write_all(records.Tag, reader.tags()))
        count("price_list", mirror.write_price_lists(reader.price_lists()))
