"""Which fields are asked of Medusa, for each kind of record.

A plain list replaces Medusa's own choice, which is slow and full of persons. Relations to many multiply the rows that
Medusa reads, so a product is asked for in two calls.
"""

from __future__ import annotations

PRICE = ("id", "amount", "currency_code", "min_quantity", "max_quantity", "price_rules.attribute", "price_rules.value")
"""Without ``price_rules`` a price of one region comes with ``rules: {}``, as if it held everywhere."""

ROW = "id,updated_at"
DELETABLE_ROW = "id,updated_at,deleted_at"
VARIANT_ROW = "id,updated_at,product_id"


def within(relation: str, *names: str) -> str:
    """Return the fields of a relation as Medusa takes them."""
    return ",".join(f"{relation}.{name}" for name in names)


VARIANT_PRICES = within("variants.prices", *PRICE)

CORE = ",".join(
    (
        "id,title,handle,status,subtitle,description,thumbnail,external_id,collection_id,type_id,material,metadata",
        "created_at,updated_at,deleted_at",
        within("variants", "id", "title", "sku", "barcode", "variant_rank", "manage_inventory", "allow_backorder"),
        within("variants", "options.value", "options.option.title"),
        within("variants", "inventory_items.inventory_item_id", "inventory_items.required_quantity"),
        VARIANT_PRICES,
    )
)
PRICES = f"id,variants.id,{VARIANT_PRICES}"

CATEGORIES = "id,categories.id"
TAGS = "id,tags.value"
IMAGES = "id,images.url,images.rank"
CHANNELS = "id,sales_channels.id"
RELATIONS = "id,categories.id,tags.value,images.url,images.rank,sales_channels.id"

INVENTORY = "id,sku," + within("location_levels", "id", "location_id", "stocked_quantity", "reserved_quantity")
PRICE_LIST_HEAD = "id,title,status,type,starts_at,ends_at,price_list_rules.attribute,price_list_rules.value"
PRICE_LIST = f"{PRICE_LIST_HEAD},{within('prices', *PRICE, 'price_set.variant.id')}"
"""``variant_id`` of a price comes only where the variant of its price set is asked for."""

CUSTOMER = "id,has_account,created_at,groups.name"

ORDER = ",".join(
    (
        "id,display_id,status,email,currency_code,customer_id,created_at,updated_at,canceled_at,total,*items",
        "shipping_address.phone",
        within("fulfillments", "id", "provider_id", "canceled_at", "labels.tracking_number"),
    )
)
"""``total`` brings the lines' totals. The fulfilment status is computed from what was loaded: with anything less than
``*items``, even with one field of their ``detail``, a partly shipped order comes as ``shipped``."""

CATEGORY = "id,name,handle,parent_category_id,rank,is_active,is_internal"
COLLECTION = "id,title,handle"
VALUE = "id,value"
REGION = "id,name,currency_code,countries.iso_2"
LOCATION = "id,name"
CHANNEL = "id,name,is_disabled"
STORE = (
    "id,name,default_region_id,default_location_id,default_sales_channel_id,"
    "supported_currencies.currency_code,supported_currencies.is_default"
)
API_KEY = "id,token,sales_channels.id"
LEVELS = "id," + within("location_levels", "id", "location_id", "stocked_quantity", "reserved_quantity")
