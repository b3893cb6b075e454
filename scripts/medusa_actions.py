"""The kinds of change of ``medusa_changes.py``: each returns the ids it touched and what it did, or ``None``."""

from __future__ import annotations

from collections.abc import Callable

from medusa_shop import Row, Shop, checkout, open_order

Made = tuple[list[str], str] | None

WORDS = ("Balo", "Túi", "Ví", "Giày", "Dép", "Mũ", "Cáp sạc", "Ốp lưng")
MAKES = ("Hà Thành", "Sông Hương", "Bến Nghé", "Trường Sơn", "Cửu Long", "Phố Hội", "Sa Pa")
COLOURS = ("Đen", "Xám tro", "Đỏ đô", "Nâu bò", "Be", "Xanh rêu")


def price_by_variant(shop: Shop) -> Made:
    """Set a price by the variant's route."""
    product = shop.product()
    variant = shop.draw.choice(product["variants"])
    prices = _new_prices(shop, variant)
    shop.admin("POST", f"/admin/products/{product['id']}/variants/{variant['id']}", {"prices": prices})
    return [product["id"], variant["id"]], f"{product['handle']}: {prices}"


def price_by_product(shop: Shop) -> Made:
    """Set the prices of all variants by the product's route, which moves nothing but price rows."""
    product = shop.product()
    variants = [{"id": variant["id"], "prices": _new_prices(shop, variant)} for variant in product["variants"]]
    shop.admin("POST", f"/admin/products/{product['id']}", {"variants": variants})
    return [product["id"], *(variant["id"] for variant in variants)], f"{product['handle']}: {len(variants)} variants"


def stock(shop: Shop) -> Made:
    """Count one stock item anew at one place."""
    product = shop.product()
    fields = "id,inventory_items.inventory.location_levels.location_id,"
    fields += "inventory_items.inventory.location_levels.reserved_quantity"
    for variant in product["variants"]:
        path = f"/admin/products/{product['id']}/variants/{variant['id']}?fields={fields}"
        for link in shop.admin("GET", path)["variant"].get("inventory_items") or ():
            levels = sorted(link["inventory"].get("location_levels") or (), key=lambda level: str(level["location_id"]))
            level = shop.choice(levels)
            if level is None:
                continue
            count = int(level["reserved_quantity"]) + shop.draw.choice((0, 0, 1, 2, 5, 20, 100))
            path = f"/admin/inventory-items/{link['inventory']['id']}/location-levels/{level['location_id']}"
            shop.admin("POST", path, {"stocked_quantity": count})
            return [product["id"], variant["id"], link["inventory"]["id"]], f"{product['handle']}: {count}"
    return None


def title(shop: Shop) -> Made:
    """Give a product another title."""
    return _product(shop, "title", {"title": f"{_name(shop)} số {shop.new_number()}"})


def description(shop: Shop) -> Made:
    """Give a product another description."""
    return _product(shop, "description", {"description": f"Mô tả mới.\n\n{_name(shop)}, lần {shop.new_number()}."})


def images(shop: Shop) -> Made:
    """Give a product other pictures."""
    base = f"http://127.0.0.1/anh/{shop.new_number()}"
    return _product(shop, "images", {"images": [{"url": f"{base}-{n}.png"} for n in range(shop.draw.randint(1, 3))]})


def tags(shop: Shop) -> Made:
    """Set a product's tags."""
    every = sorted(shop.rows("/admin/product-tags", "id,value"), key=lambda row: str(row["value"]))
    drawn = shop.draw.sample(every, min(len(every), shop.draw.randint(0, 3)))
    return _product(shop, "tags", {"tags": [{"id": row["id"]} for row in drawn]})


def categories_set(shop: Shop) -> Made:
    """Set a product's categories by the product's route."""
    drawn = shop.draw.sample(_categories(shop), shop.draw.randint(0, 2))
    return _product(shop, "categories", {"categories": [{"id": row["id"]} for row in drawn]})


def category_joined(shop: Shop) -> Made:
    """Put a product into a category by the category's route, of which nothing tells."""
    product, category = shop.product(), shop.draw.choice(_categories(shop))
    shop.admin("POST", f"/admin/product-categories/{category['id']}/products", {"add": [product["id"]]})
    return [product["id"], category["id"]], f"{product['handle']} into {category['handle']}"


def category_renamed(shop: Shop) -> Made:
    """Rename a category."""
    category = shop.draw.choice(_categories(shop))
    name = f"{_name(shop)} {shop.new_number()}"
    shop.admin("POST", f"/admin/product-categories/{category['id']}", {"name": name})
    return [category["id"]], f"{category['handle']}: {name}"


def tag_renamed(shop: Shop) -> Made:
    """Rename a tag."""
    tag = shop.choice(sorted(shop.rows("/admin/product-tags", "id,value"), key=lambda row: str(row["value"])))
    if tag is None:
        return None
    value = f"{shop.draw.choice(COLOURS).lower()} {shop.new_number()}"
    shop.admin("POST", f"/admin/product-tags/{tag['id']}", {"value": value})
    return [tag["id"]], f"{tag['value']}: {value}"


def deleted(shop: Shop) -> Made:
    """Delete a product."""
    product = shop.product()
    if not shop.delete(f"/admin/products/{product['id']}"):
        return None
    shop.deleted.append(_body(shop, product["handle"], product["title"]))
    del shop.products[product["handle"]]
    return [product["id"]], product["handle"]


def restored(shop: Shop) -> Made:
    """Make a deleted product again under its old handle; Medusa gives it another id."""
    if not shop.deleted:
        return None
    return _create(shop, shop.deleted.pop(shop.draw.randrange(len(shop.deleted))))


def created(shop: Shop) -> Made:
    """Make a product with some variants and stock."""
    number = shop.new_number()
    return _create(shop, _body(shop, f"moi-{shop.draw.randrange(10**9)}-{number}", f"{_name(shop)} mới {number}"))


def variant_deleted(shop: Shop) -> Made:
    """Delete one of several variants."""
    product = shop.product()
    if len(product["variants"]) < 2:
        return None
    variant = shop.draw.choice(product["variants"])
    if not shop.delete(f"/admin/products/{product['id']}/variants/{variant['id']}"):
        return None
    return [product["id"], variant["id"]], f"{product['handle']}: {variant['title']}"


def unpublished(shop: Shop) -> Made:
    """Make a published product a draft."""
    return _status(shop, "published", "draft")


def published(shop: Shop) -> Made:
    """Publish a draft."""
    return _status(shop, "draft", "published")


def sale_switched(shop: Shop) -> Made:
    """Switch a price list off, or on again; no product moves and no event comes."""
    row = shop.choice(shop.rows("/admin/price-lists", "id,status"))
    if row is None:
        return None
    status = "draft" if row["status"] == "active" else "active"
    shop.admin("POST", f"/admin/price-lists/{row['id']}", {"status": status})
    return [row["id"]], status


def sale_price(shop: Shop) -> Made:
    """Put a variant on a price list, or change what it costs there."""
    row = shop.choice(shop.rows("/admin/price-lists", "id,prices.id,prices.currency_code,prices.price_set.variant.id"))
    if row is None:
        return None
    product = shop.product()
    variant = shop.draw.choice(product["variants"])
    price = {"variant_id": variant["id"], "currency_code": "vnd", "amount": _amount(shop) // 2}
    there = [one["id"] for one in row["prices"] if one.get("variant_id") == variant["id"]]
    change = {"update": [price | {"id": there[0]}]} if there else {"create": [price]}
    shop.admin("POST", f"/admin/price-lists/{row['id']}/prices/batch", change)
    return [product["id"], variant["id"], row["id"]], f"{product['handle']}: {price['amount']}"


def channel_left(shop: Shop) -> Made:
    """Take a product out of the shop's sales channel."""
    return _channel(shop, is_in=True)


def channel_joined(shop: Shop) -> Made:
    """Put a product into the shop's sales channel."""
    return _channel(shop, is_in=False)


def order_placed(shop: Shop) -> Made:
    """Buy something in the storefront, as a guest."""
    region = shop.region_id()
    fields = "id,handle,variants.id,variants.title,%2Bvariants.inventory_quantity,*variants.calculated_price"
    rows = shop.store("GET", f"/store/products?region_id={region}&limit=100&order=handle&fields={fields}")["products"]
    buyable = [
        (row["id"], variant["id"])
        for row in rows
        for variant in sorted(row["variants"], key=lambda variant: str(variant["title"]))
        if (variant.get("inventory_quantity") or 0) >= 2
        and (variant.get("calculated_price") or {}).get("calculated_amount")
    ]
    if not buyable:
        return None
    product_id, variant_id = shop.draw.choice(buyable)
    quantity = shop.draw.randint(1, 2)
    order = checkout(shop, variant_id, quantity)
    return [product_id, variant_id, order["id"]], f"#{order['display_id']}, {quantity} pieces"


def order_canceled(shop: Shop) -> Made:
    """Cancel an order that was neither paid nor packed; what it reserved is free again."""
    order = open_order(shop)
    if order is None:
        return None
    shop.admin("POST", f"/admin/orders/{order['id']}/cancel")
    return [order["id"]], f"#{order['display_id']}"


def order_paid(shop: Shop) -> Made:
    """Capture an order's payment, which does not move the order."""
    order = open_order(shop)
    if order is None:
        return None
    payment = order["payment_collections"][0]["payments"][0]["id"]
    shop.admin("POST", f"/admin/payments/{payment}/capture", {})
    return [order["id"], payment], f"#{order['display_id']}"


def customer_created(shop: Shop) -> Made:
    """Register a customer at the counter."""
    number = shop.new_number()
    email = f"khach-{shop.draw.randrange(10**9)}-{number}@example.com"
    customer = shop.admin("POST", "/admin/customers", {"email": email, "first_name": "Khách", "last_name": str(number)})
    return [customer["customer"]["id"]], str(number)


KINDS: dict[str, Callable[[Shop], Made]] = {
    kind.__name__: kind
    for kind in (
        price_by_variant,
        price_by_product,
        stock,
        title,
        description,
        images,
        tags,
        categories_set,
        category_joined,
        category_renamed,
        tag_renamed,
        deleted,
        restored,
        created,
        variant_deleted,
        unpublished,
        published,
        sale_switched,
        sale_price,
        channel_left,
        channel_joined,
        order_placed,
        order_canceled,
        order_paid,
        customer_created,
    )
}


def _name(shop: Shop) -> str:
    return f"{shop.draw.choice(WORDS)} {shop.draw.choice(MAKES)}"


def _amount(shop: Shop) -> int:
    return shop.draw.randint(20, 2000) * 1000


def _new_prices(shop: Shop, variant: Row) -> list[Row]:
    """Return new prices in đồng beside the plain ones in other currencies: what is left out would be deleted."""
    kept = {
        price["currency_code"]: price["amount"]
        for price in variant.get("prices") or ()
        if price["currency_code"] != "vnd" and not price["rules"] and not price["min_quantity"]
    }
    others = [{"currency_code": code, "amount": amount} for code, amount in sorted(kept.items())]
    return [{"currency_code": "vnd", "amount": _amount(shop)}, *others]


def _product(shop: Shop, what: str, body: Row) -> Made:
    product = shop.product()
    shop.admin("POST", f"/admin/products/{product['id']}", body)
    return [product["id"]], f"{product['handle']}: {body[what]!r}"


def _categories(shop: Shop) -> list[Row]:
    return sorted(shop.rows("/admin/product-categories", "id,handle"), key=lambda row: str(row["handle"]))


def _body(shop: Shop, handle: str, title: str) -> Row:
    colours = shop.draw.sample(COLOURS, shop.draw.randint(1, 4))
    return {
        "title": title,
        "handle": handle,
        "description": f"{title}, hàng chính hãng.",
        "status": "published",
        "sales_channels": [{"id": shop.channel_id}],
        # Without one it cannot be bought.
        "shipping_profile_id": shop.shipping_profile_id(),
        "categories": [{"id": row["id"]} for row in shop.draw.sample(_categories(shop), 1)],
        "options": [{"title": "Màu", "values": colours}],
        "variants": [
            {
                "title": colour,
                "options": {"Màu": colour},
                "manage_inventory": True,
                "prices": [
                    {"currency_code": "vnd", "amount": _amount(shop)},
                    {"currency_code": "usd", "amount": shop.draw.randint(100, 9999) / 100},
                ],
            }
            for colour in colours
        ],
    }


def _create(shop: Shop, body: Row) -> Made:
    product = shop.admin("POST", "/admin/products", body)["product"]
    shop.products[product["handle"]] = product["id"]
    fields = "id,variants.id,variants.title,variants.inventory_items.inventory_item_id"
    whole = shop.admin("GET", f"/admin/products/{product['id']}?fields={fields}")["product"]
    variants = sorted(whole["variants"], key=lambda variant: str(variant["title"]))
    for variant in variants:
        for link in variant["inventory_items"]:
            level = {"location_id": shop.draw.choice(shop.location_ids), "stocked_quantity": shop.draw.randint(0, 30)}
            shop.admin("POST", f"/admin/inventory-items/{link['inventory_item_id']}/location-levels", level)
    return [product["id"], *(variant["id"] for variant in variants)], product["handle"]


def _status(shop: Shop, old: str, new: str) -> Made:
    product = shop.choice(
        sorted(shop.rows("/admin/products", "id,handle", f"&status[]={old}"), key=lambda row: str(row["handle"]))
    )
    if product is None:
        return None
    shop.admin("POST", f"/admin/products/{product['id']}", {"status": new})
    return [product["id"]], product["handle"]


def _channel(shop: Shop, *, is_in: bool) -> Made:
    rows = shop.rows("/admin/products", "id,handle,sales_channels.id")
    rows = [row for row in rows if any(one["id"] == shop.channel_id for one in row["sales_channels"]) is is_in]
    product = shop.choice(sorted(rows, key=lambda row: str(row["handle"])))
    if product is None:
        return None
    body = {"remove" if is_in else "add": [product["id"]]}
    shop.admin("POST", f"/admin/sales-channels/{shop.channel_id}/products", body)
    return [product["id"], shop.channel_id], product["handle"]
