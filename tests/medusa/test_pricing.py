"""What a customer pays: Medusa's rule branch by branch, and against a plain re-statement of its SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.medusa.pricing import offers_in_force, shelf_price
from appliance.medusa.records import ListPrice, Price, PriceList

NOW = 1_790_000_000.0
HERE, THERE = "reg_vn", "reg_us"


def plain(amount: float, **given: Any) -> Price:
    return Price(**{"id": "price_1", "currency_code": "vnd", "amount": Decimal(str(amount))} | given)


def listed(amount: float, **given: Any) -> ListPrice:
    fields = {"id": "price_2", "currency_code": "vnd", "amount": Decimal(str(amount)), "variant_id": "variant_1"}
    return ListPrice(**fields | given)


def sale(*prices: ListPrice, **given: Any) -> PriceList:
    return PriceList(**{"id": "plist_1", "status": "active", "type": "sale", "prices": prices} | given)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


def paid(prices: list[Price], lists: list[PriceList] = [], region: str = HERE, currency: str = "VND") -> Decimal | None:  # noqa: B006
    offers = offers_in_force(lists, region, NOW).get("variant_1", ())
    return shelf_price(prices, offers, currency, region)


REGIONAL = {"rules": {"region_id": HERE}}
TWO_RULES = {"rules": {"region_id": HERE, "customer.groups.id": "cusgroup_1"}}


@pytest.mark.parametrize(
    ("prices", "lists", "region", "wanted"),
    [
        pytest.param([], [], HERE, None, id="no price"),
        pytest.param([plain(10, currency_code="usd")], [], HERE, None, id="no price in the currency"),
        pytest.param([plain(0)], [], HERE, 0, id="free"),
        pytest.param([plain(120), plain(110, **REGIONAL)], [], HERE, 110, id="a region's price is closer"),
        pytest.param([plain(110), plain(120, **REGIONAL)], [], HERE, 120, id="closer, though dearer"),
        pytest.param([plain(120), plain(110, **REGIONAL)], [], THERE, 120, id="another region's"),
        pytest.param([plain(120), plain(110, **REGIONAL)], [], "", 120, id="no region"),
        pytest.param([plain(110, **REGIONAL)], [], "", None, id="only a region's, and no region"),
        pytest.param([plain(120), plain(90, rules={"customer.groups.id": "g"})], [], HERE, 120, id="a group's"),
        pytest.param([plain(120), plain(90, **TWO_RULES)], [], HERE, 120, id="one of two rules is not enough"),
        pytest.param([plain(120), plain(130)], [], HERE, 120, id="the lowest of equals"),
        pytest.param([plain(100), plain(90, min_quantity=Decimal(10))], [], HERE, 100, id="from ten pieces"),
        pytest.param([plain(90, min_quantity=Decimal(10))], [], HERE, None, id="only from ten pieces"),
        pytest.param([plain(95, min_quantity=Decimal(1), max_quantity=Decimal(9))], [], HERE, 95, id="one to nine"),
        pytest.param([plain(400)], [sale(listed(299))], HERE, 299, id="a sale"),
        pytest.param([plain(400)], [sale(listed(450))], HERE, 400, id="a sale above the plain price"),
        pytest.param([], [sale(listed(299))], HERE, 299, id="a sale without a plain price"),
        pytest.param([plain(400)], [sale(listed(450), type="override")], HERE, 450, id="an override, though dearer"),
        pytest.param([plain(400)], [sale(listed(0), type="override")], HERE, 0, id="an override to nothing"),
        pytest.param([plain(400)], [sale(listed(0))], HERE, 0, id="a sale for nothing"),
        pytest.param([plain(0)], [sale(listed(100))], HERE, 0, id="free already, though there is a sale"),
        pytest.param([plain(400)], [sale(listed(299), status="draft")], HERE, 400, id="a list that is off"),
        pytest.param([plain(400)], [sale(listed(299), starts_at=at(1))], HERE, 400, id="not begun"),
        pytest.param([plain(400)], [sale(listed(299), starts_at=at(0))], HERE, 299, id="begins now"),
        pytest.param([plain(400)], [sale(listed(299), ends_at=at(-1))], HERE, 400, id="over"),
        pytest.param([plain(400)], [sale(listed(299), ends_at=at(0))], HERE, 299, id="ends now"),
        pytest.param([plain(400)], [sale(listed(9), rules={"customer.groups.id": ["g"]})], HERE, 400, id="for a group"),
        pytest.param([plain(400)], [sale(listed(9), rules={"region_id": [THERE, HERE]})], HERE, 9, id="for regions"),
        pytest.param([plain(400)], [sale(listed(9), rules={"region_id": [THERE]})], HERE, 400, id="for another region"),
        pytest.param([plain(400)], [sale(listed(9, currency_code="usd"))], HERE, 400, id="a sale in dollars"),
        pytest.param([plain(400)], [sale(listed(9, min_quantity=Decimal(2)))], HERE, 400, id="a sale from two"),
        pytest.param(
            [plain(400)],
            [sale(listed(300)), sale(listed(350), id="plist_2", rules={"region_id": [HERE]})],
            HERE,
            350,
            id="the list that fits closer",
        ),
        pytest.param(
            [plain(400)],
            [sale(listed(450), type="override"), sale(listed(300), id="plist_2")],
            HERE,
            300,
            id="the lowest of two lists decides, and its kind",
        ),
    ],
)
def test_a_customer_pays_what_medusa_charges(
    prices: list[Price], lists: list[PriceList], region: str, wanted: int | None
) -> None:
    assert paid(prices, lists, region) == wanted


def test_a_currency_may_be_written_either_way() -> None:
    assert paid([plain(4.57, currency_code="USD")], currency="usd") == Decimal("4.57")


def test_prices_without_a_variant_are_nobodys() -> None:
    assert offers_in_force([sale(listed(1, variant_id=None))], HERE, NOW) == {}


def test_offers_do_not_drag_their_whole_list_along() -> None:
    # Two readings of one list are compared each minute; with the list in each offer that took seconds.
    prices = tuple(listed(number, id=f"price_{number}", variant_id=f"variant_{number}") for number in range(3))
    offers = offers_in_force([sale(*prices)], HERE, NOW)
    assert not any(isinstance(part, PriceList) for offer in offers["variant_0"] for part in offer)


AMOUNTS = st.sampled_from([0, 50, 90, 100, 110])
RULES = st.dictionaries(
    st.sampled_from(["region_id", "customer.groups.id"]), st.sampled_from([HERE, THERE]), max_size=2
)
LIST_RULES = st.dictionaries(
    st.sampled_from(["region_id", "customer.groups.id"]),
    st.lists(st.sampled_from([HERE, THERE]), min_size=1, max_size=2),
    max_size=2,
)
COMMON = {
    "amount": AMOUNTS.map(Decimal),
    "currency_code": st.sampled_from(["vnd", "usd"]),
    "min_quantity": st.sampled_from([None, Decimal(1), Decimal(2)]),
    "rules": RULES,
}
PRICES = st.lists(st.builds(Price, id=st.just("p"), **COMMON), max_size=4)
LISTS = st.lists(
    st.builds(
        PriceList,
        id=st.just("l"),
        status=st.sampled_from(["active", "draft"]),
        type=st.sampled_from(["sale", "override"]),
        starts_at=st.sampled_from([None, at(-5), at(5)]),
        ends_at=st.sampled_from([None, at(-5), at(5)]),
        rules=LIST_RULES,
        prices=st.lists(
            st.builds(ListPrice, id=st.just("p"), variant_id=st.just("variant_1"), **COMMON), max_size=3
        ).map(tuple),
    ),
    max_size=3,
)


@given(PRICES, LISTS, st.sampled_from(["", HERE, THERE]), st.sampled_from(["VND", "USD"]))
def test_the_rule_is_that_of_medusas_query(
    prices: list[Price], lists: list[PriceList], region: str, currency: str
) -> None:
    assert paid(prices, lists, region, currency) == restated(prices, lists, region, currency)


def restated(prices: list[Price], lists: list[PriceList], region: str, currency: str) -> Decimal | None:
    """``PricingRepository.calculatePrices`` and what the service makes of its rows, as rows and sorting."""
    rows: list[tuple[bool, int, Decimal, str]] = []
    for price_list, price in [(None, one) for one in prices] + [(two, one) for two in lists for one in two.prices]:
        if price.currency_code.upper() != currency or not (price.min_quantity is None or price.min_quantity <= 1):
            continue
        met = [name for name, value in price.rules.items() if name == "region_id" and region and value == region]
        if len(met) != len(price.rules):
            continue
        if price_list is None:
            rows.append((False, len(price.rules), price.amount, ""))
            continue
        begun = price_list.starts_at is None or price_list.starts_at.timestamp() <= NOW
        open_still = price_list.ends_at is None or price_list.ends_at.timestamp() >= NOW
        fits = [
            name for name, values in price_list.rules.items() if name == "region_id" and region and region in values
        ]
        if price_list.status == "active" and begun and open_still and len(fits) == len(price_list.rules):
            rows.append((True, len(price.rules) + len(price_list.rules), price.amount, price_list.type))
    rows.sort(key=lambda row: (not row[0], -row[1], row[2]))
    of_list = next((row for row in rows if row[0]), None)
    default = next((row for row in rows if not row[0]), None)
    if of_list is None:
        return default[2] if default else None
    # Rows of one rank come in no promised order: an override and a sale of one amount end alike.
    if of_list[3] == "override" or default is None:
        return of_list[2]
    return min(of_list[2], default[2])
