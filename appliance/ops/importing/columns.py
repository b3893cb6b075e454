"""Column names: what a file calls a column and what it is called here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from appliance.ops.importing.faults import FileFault
from appliance.text import words

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Schema(NamedTuple):
    """The columns of one kind of file."""

    kind: str
    """``products``, ``interactions``, ``orders`` or ``faq``."""
    aliases: Mapping[str, str]
    """Normalised name in a file → canonical name; canonical names map to themselves."""
    required: tuple[tuple[str, ...], ...]
    """Each group needs one of its columns."""


def _schema(kind: str, required: tuple[tuple[str, ...], ...], names: Mapping[str, str]) -> Schema:
    aliases = {alias: name for name, others in names.items() for alias in (name, *others.split())}
    return Schema(kind, aliases, required)


PRODUCTS = _schema(
    "products",
    (("id",), ("title",)),
    {
        "id": "product_id productid item_id itemid ma ma_san_pham",
        "title": "name product_name product_title titles ten ten_san_pham",
        "title_en": "name_en english_title",
        "description": "body product_description mo_ta",
        "categories": "category product_type category_name danh_muc",
        "tags": "tag keywords the",
        "price": "gia gia_ban unit_price",
        "currency": "currency_code tien_te",
        "handle": "slug product_handle url_handle",
        "thumbnail": "image image_url picture hinh_anh",
        "status": "trang_thai",
        "collection": "bo_suu_tap",
        "stock": "inventory inventory_quantity stock_quantity ton_kho",
        "in_stock": "available con_hang",
        "created_at": "published_at ngay_tao",
        "variants": "bien_the",
        "attributes": "thuoc_tinh",
        "sku": "ma_sku",
        "size": "kich_co",
        "color": "colour mau mau_sac",
    },
)

INTERACTIONS = _schema(
    "interactions",
    (("product_id", "product_handle"), ("user_id", "session_id"), ("occurred_at",)),
    {
        "user_id": "user userid customer customer_id visitor visitor_id visitorid khach_hang",
        "session_id": "session sessionid",
        "product_id": "product productid item item_id itemid san_pham",
        "product_handle": "handle slug",
        "interaction_type": "type event event_type event_name action behavior behaviour loai",
        "occurred_at": "time timestamp date datetime event_time created_at ts thoi_gian",
        "quantity": "qty so_luong",
        "event_id": "eventid",
        "recommendation_id": "",
        "metadata": "properties",
    },
)

OLD_INTERACTIONS = _schema(
    "postgres",
    (("product_id", "product_handle"), ("user_id", "session_id"), ("interaction_type",), ("created_at", "updated_at")),
    {
        "id": "interaction_id",
        "user_id": "userid customer_id visitor_id",
        "session_id": "sessionid",
        "product_id": "productid item_id",
        "product_handle": "handle",
        "interaction_type": "type event_type action",
        "weight": "",
        "occurrences": "occurrence_count interaction_count",
        "metadata": "",
        "created_at": "first_at",
        "updated_at": "last_at",
    },
)
"""``rec_user_interactions`` of the five-service stack."""

LINKS = _schema("links", (("session_id",), ("user_id",)), {"session_id": "", "user_id": "", "at": ""})

ORDERS = _schema(
    "orders",
    (("display_id", "id"),),
    {
        "id": "order_id orderid",
        "display_id": "order_number order_code order number code ma_don ma_don_hang so_don",
        "status": "state order_status trang_thai",
        "phone": "phone_number telephone tel mobile customer_phone so_dien_thoai dien_thoai sdt",
        "email": "e_mail mail customer_email",
        "customer_id": "user_id customer khach_hang",
        "items": "line_items lines products san_pham",
        "currency": "currency_code tien_te",
        "placed_at": "created_at ordered_at order_date date ngay_dat",
        "metadata": "facts",
        "tracking": "tracking_number tracking_code ma_van_don",
        "carrier": "courier shipping_provider don_vi_van_chuyen",
        "expected_delivery": "delivery_date expected_at du_kien_giao",
        "payment": "payment_method thanh_toan",
    },
)

FAQ = _schema(
    "faq",
    (("vi", "en", "answer"),),
    {
        "id": "faq_id",
        "intent": "topic y_dinh",
        "question": "questions cau_hoi",
        "answer": "tra_loi cau_tra_loi",
        "vi": "answer_vi tra_loi_vi",
        "en": "answer_en tra_loi_en",
        "questions_vi": "question_vi cau_hoi_vi",
        "questions_en": "question_en cau_hoi_en",
        "enabled": "active bat",
    },
)


@lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """Return a column name in one form: ``ItemId``, ``item ID`` and ``item_id`` are ``item_id``."""
    return "_".join(words(_CAMEL.sub(" ", name)[:200]))


def place(names: Iterable[str], schema: Schema) -> dict[str, int]:
    """Return the position of every recognised column; an exact name wins over an alias, the first over later ones."""
    exact: dict[str, int] = {}
    alias: dict[str, int] = {}
    for index, name in enumerate(names):
        canonical = schema.aliases.get(normalise(name))
        if canonical is None:
            continue
        (exact if normalise(name) == canonical else alias).setdefault(canonical, index)
    return alias | exact


def require(names: list[str], placed: Mapping[str, int], schema: Schema, file: str) -> None:
    """Check the columns of a table. Raises ``FileFault`` for a name that stands twice or a column that is missing."""
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise FileFault("column_twice", file=file, column=name)
        seen.add(name)
    for group in schema.required:
        if not any(column in placed for column in group):
            raise missing_column(group, names, placed, file)


def missing_column(group: tuple[str, ...], names: list[str], placed: Mapping[str, int], file: str) -> FileFault:
    """Return the fault that names a missing column, the columns found and, where one is close, the likely one."""
    taken = set(placed.values())
    free = {normalise(name): name for index, name in enumerate(names) if index not in taken}
    near = next((hit for column in group for hit in difflib.get_close_matches(column, free, n=1, cutoff=0.6)), None)
    found = ", ".join(name.strip() or "?" for name in names[:20])
    if near is None:
        return FileFault("column_missing", file=file, column=" / ".join(group), found=found)
    return FileFault("column_near", file=file, column=" / ".join(group), found=found, near=free[near])
