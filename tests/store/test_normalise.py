"""What text, ids and amounts look like once they are inside."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from appliance.domain import Product, Variant
from appliance.store.normalise import InvalidProduct, clean_text, content_hash, normalised

BASE = Product(id="p1", handle="balo-da", title="Balo da", variants=(Variant(id="v1", price=1000, stock=2),))
HOSTILE = st.text(
    alphabet=st.characters() | st.sampled_from("\x00\x1b\x07\u200b\u202e\u2066\ufeff\n\t\r\u0301đĐ><'\";%"), max_size=60
)


@given(HOSTILE, HOSTILE, st.lists(HOSTILE, max_size=4), st.dictionaries(HOSTILE, HOSTILE, max_size=3))
def test_normalising_twice_changes_nothing(
    title: str, description: str, tags: list[str], attributes: dict[str, str]
) -> None:
    given = replace(
        BASE, title=title, description=description, tags=tuple(tags), categories=tuple(tags), attributes=attributes
    )
    once = normalised(given)
    assert normalised(once) == once
    assert content_hash(normalised(once)) == content_hash(once)


@given(HOSTILE)
def test_no_control_character_or_surrogate_gets_in(text: str) -> None:
    product = normalised(replace(BASE, title=text, description=text, tags=(text,), attributes={"a": text}))
    for inside in (product.title, product.description, *product.tags, *product.attributes.values()):
        assert not set(inside) & set("\x00\x1b\x07\u200b\u202e\u2066\ufeff\r")
        assert unicodedata.is_normalized("NFC", inside)
        inside.encode()
    assert "\n" not in product.title
    assert product.title


def test_lone_surrogates_are_replaced() -> None:
    product = normalised(replace(BASE, title="Balo \ud800 da", description="\udfff"))
    assert product.title == "Balo ? da"
    assert product.description == "?"


def test_lines_of_a_description_stay() -> None:
    assert clean_text(" một\r\nhai\rba\u2028bốn \x1b[2J") == "một\nhai\nba\nbốn \ufffd[2J"


def test_lists_lose_what_is_empty_or_repeated() -> None:
    product = normalised(replace(BASE, tags=(" da ", "", "da", "nâu"), attributes={"": "x", " brand ": " Mộc "}))
    assert product.tags == ("da", "nâu")
    assert product.attributes == {"brand": "Mộc"}


def test_an_absent_handle_or_title_becomes_the_id() -> None:
    product = normalised(replace(BASE, handle=" ", title="\n"))
    assert (product.handle, product.title) == ("p1", "p1")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"id": "đ"}, "id"),
        ({"currency": "vnd"}, "currency"),
        ({"currency": "VND\n"}, "currency"),
        ({"status": "archived"}, "status"),
        ({"created_at": float("nan")}, "created_at"),
        ({"title": "x" * 4001}, "title"),
        ({"description": "x" * 200_001}, "description"),
        ({"tags": tuple(map(str, range(1001)))}, "tags"),
        ({"variants": (Variant(id="v"), Variant(id=" v "))}, "variants"),
        ({"variants": (Variant(id=""),)}, "variants.id"),
        ({"variants": (Variant(id="v", price=-1),)}, "variants.price"),
        ({"variants": (Variant(id="v", price=2**60),)}, "variants.price"),
        ({"variants": (Variant(id="v", stock=2**60),)}, "variants.stock"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(change: dict[str, object], field: str) -> None:
    product = replace(BASE, **change)
    with pytest.raises(InvalidProduct) as caught:
        normalised(product)
    assert caught.value.fields[0][0] == field
    assert caught.value.product_id == product.id


def test_the_fingerprint_sees_every_field_but_not_the_order_of_facts() -> None:
    changes: list[dict[str, object]] = [
        {"title": "Balo vải"},
        {"status": "draft"},
        {"attributes": {"a": "1"}},
        {"variants": (Variant(id="v1", price=1000, stock=1),)},
        {"variants": (Variant(id="v1", price=1000),)},
        {"created_at": 1.0},
    ]
    prints = {content_hash(replace(BASE, **change)) for change in changes} | {content_hash(BASE)}
    assert len(prints) == len(changes) + 1
    assert content_hash(replace(BASE, attributes={"a": "1", "b": "2"})) == content_hash(
        replace(BASE, attributes={"b": "2", "a": "1"})
    )
