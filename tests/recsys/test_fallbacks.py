"""Under every fallback: nothing hidden, sold out, deleted, bought or excluded is shown, and a list is never empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recsys_shop import NOW, TestShop, event, history, ids, leather_and_shoes, product

from appliance.domain import Rule
from appliance.recsys.base import Recommendation, RecommendRequest

NAMES = [item.id for item in leather_and_shoes()]
CATEGORIES = ["balo", "tui-xach", "giay", "giay-the-thao", "tui", "nowhere", ""]
_names = st.sets(st.sampled_from(NAMES), max_size=38)
_clicks = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["view", "add_to_cart", "purchase", "remove_from_cart"])),
    max_size=12,
)


@pytest.fixture(scope="module", params=["no model", "content only", "history"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestShop]:
    folder: Path = tmp_path_factory.mktemp("fallbacks")
    shop = TestShop(folder, leather_and_shoes())
    if request.param != "no model":
        shop.train(history() if request.param == "history" else ())
    shop.catalogue.upsert([product("newcomer", "Túi xách da mới", "Túi > Túi xách", tags=("túi", "da"))])
    yield shop
    shop.close()


def _answers(shop: TestShop, name: str, category: str, limit: int) -> list[tuple[Recommendation, bool]]:
    """Return every kind of answer, and whether it is made for the visitor who clicked."""
    service = shop.service
    placements = ("home", "product", "cart", "category", "search")
    answers = [
        (
            service.recommend(
                RecommendRequest(
                    user_id="u",
                    session_id="s",
                    placement=placement,  # type: ignore[arg-type]
                    product_id=name if placement == "product" else "",
                    category=category if placement == "category" else "",
                    limit=limit,
                )
            ),
            True,
        )
        for placement in placements
    ]
    others = (service.similar(name, limit), service.bought_together(name, limit), service.popular(category, 7, limit))
    return answers + [(answer, False) for answer in others]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sold_out=_names,
    drafts=_names,
    deleted=_names,
    excluded=_names,
    pinned=st.sampled_from(NAMES),
    clicks=_clicks,
    name=st.sampled_from([*NAMES, "newcomer", "unknown"]),
    category=st.sampled_from(CATEGORIES),
    limit=st.integers(1, 50),
)
def test_nothing_unfit_is_ever_shown(
    opened: TestShop,
    sold_out: set[str],
    drafts: set[str],
    deleted: set[str],
    excluded: set[str],
    pinned: str,
    clicks: list[tuple[str, str]],
    name: str,
    category: str,
    limit: int,
) -> None:
    shop = opened
    opened.service.forget("u", "s")
    originals = leather_and_shoes()
    stocked = [
        product(item.id, item.title, item.categories[0], stock=0 if item.id in sold_out else 5, tags=item.tags)
        for item in originals
    ]
    shop.catalogue.upsert(stocked)
    shop.catalogue.set_status(NAMES, "published")
    shop.catalogue.set_status(sorted(drafts), "draft")
    shop.catalogue.delete(sorted(deleted))
    shop.rules[:] = [
        Rule(id=f"x{value}", action="exclude", target="product", value=value) for value in sorted(excluded)
    ]
    shop.rules.append(Rule(id="pin", action="pin", target="product", value=pinned))
    shop.service.observe(
        [event("s", item, kind, at=NOW - 100 + place, user="u") for place, (item, kind) in enumerate(clicks)]
    )
    unfit = sold_out | drafts | deleted | excluded
    bought = {item for item, kind in clicks if kind == "purchase"}
    for answer, personal in _answers(shop, name, category, limit):
        shown = ids(answer)
        assert not unfit & set(shown)
        assert len(shown) == len(set(shown)) <= limit
        if personal:
            assert not bought & set(shown)
        assert all(item.reason.text for item in answer.items)
    home = shop.service.recommend(RecommendRequest(session_id="stranger", limit=limit))
    assert len(home.items) == min(limit, len(set(NAMES) - unfit) + 1)
