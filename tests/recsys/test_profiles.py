"""Profiles: immediate, bounded, ordered by time, and closed to those who know a session only."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from recsys_shop import NOW, event

from appliance.recsys.profiles import (
    BOUGHT,
    CARTED,
    MAX_ANCHORS,
    MAX_ITEMS,
    Profiles,
    history,
    session_items,
    taste,
)

CODES = {f"p{number}": number for number in range(200)}


def _profiles(limit: int = 100) -> Profiles:
    return Profiles(limit)


def _see(
    profiles: Profiles, product_id: str, at: float = NOW, kind: str = "view", *, session: str = "s", user: str = ""
) -> None:
    profiles.record(event(session, product_id, kind, at=at, user=user), CODES[product_id])


def _codes(profiles: Profiles, *, user: str = "", session: str = "s") -> list[int]:
    return [entry.code for entry in profiles.entries(user, session)]


def test_newest_first_and_each_product_once() -> None:
    profiles = _profiles()
    for place, name in enumerate(("p1", "p2", "p3", "p1")):
        _see(profiles, name, NOW + place)
    assert _codes(profiles) == [1, 3, 2]


def test_late_events_take_their_place_in_time() -> None:
    profiles = _profiles()
    _see(profiles, "p1", NOW)
    _see(profiles, "p2", NOW - 60)
    assert _codes(profiles) == [1, 2]


def test_stronger_interactions_weigh_more() -> None:
    profiles = _profiles()
    _see(profiles, "p1", NOW)
    _see(profiles, "p2", NOW - 1, "add_to_cart")
    anchors = taste(profiles.entries("", "s"), 0.8)
    assert anchors.codes.tolist() == [1, 2]
    assert anchors.strengths[1] > anchors.strengths[0]


def test_interest_that_was_taken_back_is_no_anchor() -> None:
    profiles = _profiles()
    _see(profiles, "p1")
    _see(profiles, "p1", kind="remove_from_cart")
    assert len(taste(profiles.entries("", "s"), 0.8)) == 0
    _see(profiles, "p2", kind="remove_from_cart")
    assert _codes(profiles) == [1]


def test_cart_and_purchase_are_remembered() -> None:
    profiles = _profiles()
    _see(profiles, "p1", kind="add_to_cart")
    assert profiles.entries("", "s")[0].flags == CARTED
    _see(profiles, "p1", kind="purchase")
    assert profiles.entries("", "s")[0].flags == BOUGHT
    _see(profiles, "p2", kind="add_to_cart")
    _see(profiles, "p2", kind="remove_from_cart")
    assert profiles.entries("", "s")[0].flags == 0


def test_impressions_and_searches_leave_no_trace() -> None:
    profiles = _profiles()
    _see(profiles, "p1", kind="impression")
    assert len(profiles) == 0


def test_a_session_does_not_reveal_the_customer() -> None:
    profiles = _profiles()
    _see(profiles, "p1", session="home", user="anna")
    _see(profiles, "p2", session="work", user="anna")
    assert _codes(profiles, session="home") == [1]
    assert sorted(_codes(profiles, user="anna", session="")) == [1, 2]


def test_identify_merges_the_guest_into_the_customer_and_keeps_both() -> None:
    profiles = _profiles()
    _see(profiles, "p1", NOW - 100, session="old", user="anna")
    _see(profiles, "p2", NOW, "add_to_cart", session="guest")
    profiles.identify("guest", "anna")
    assert _codes(profiles, user="anna", session="") == [2, 1]
    assert profiles.entries("anna", "")[0].flags == CARTED
    assert _codes(profiles, session="guest") == [2]
    profiles.identify("nobody", "anna")
    profiles.identify("guest", "")
    assert len(profiles) == 3


def test_forgetting_removes_both_profiles() -> None:
    profiles = _profiles()
    _see(profiles, "p1", session="s", user="anna")
    profiles.forget("anna", "s")
    assert profiles.entries("anna", "s") == []


def test_the_least_recent_visitor_is_forgotten_first() -> None:
    profiles = _profiles(limit=2)
    _see(profiles, "p1", session="a")
    _see(profiles, "p1", session="b")
    profiles.entries("", "a")
    _see(profiles, "p1", session="c")
    assert [bool(_codes(profiles, session=name)) for name in "abc"] == [True, False, True]


def test_taste_does_not_fade_because_a_customer_stayed_away() -> None:
    lately, long_ago = _profiles(), _profiles()
    for profiles, newest in ((lately, NOW), (long_ago, NOW - 12 * 365 * 86_400)):
        _see(profiles, "p1", newest - 3600)
        _see(profiles, "p2", newest)
    expected = taste(lately.entries("", "s"), 0.8)
    found = taste(long_ago.entries("", "s"), 0.8)
    assert found.codes.tolist() == expected.codes.tolist()
    assert found.strengths.tolist() == expected.strengths.tolist()


def test_history_is_oldest_first_and_leaves_out_what_was_taken_back() -> None:
    profiles = _profiles()
    for place, name in enumerate(("p1", "p2", "p3", "p1")):
        _see(profiles, name, NOW + place)
    _see(profiles, "p2", NOW + 4, "remove_from_cart")
    found = history(profiles.entries("", "s"))
    assert found.codes.tolist() == [3, 1]
    assert found.times.tolist() == [NOW + 2, NOW + 3]
    assert len(history([]).codes) == 0


def test_a_visit_lasts_until_half_an_hour_without_interaction() -> None:
    profiles = _profiles()
    for name, minutes in (("p1", 100), ("p2", 69), ("p3", 40), ("p4", 20)):
        _see(profiles, name, NOW - 60 * minutes)
    entries = profiles.entries("", "s")
    assert session_items(entries, NOW).tolist() == [2, 3, 4]
    assert session_items(entries, NOW + 60 * 11).tolist() == []
    assert session_items([], NOW).tolist() == []


def test_a_purchase_keeps_its_time_when_the_product_is_looked_at_again() -> None:
    profiles = _profiles()
    _see(profiles, "p1", NOW - 100, "purchase")
    _see(profiles, "p1", NOW)
    assert profiles.entries("", "s")[0][2:] == (NOW, BOUGHT, NOW - 100)
    profiles.identify("s", "anna")
    assert profiles.entries("anna", "")[0].bought_at == NOW - 100
    _see(profiles, "p2", NOW)
    assert profiles.entries("", "s")[0].bought_at == 0.0


def test_purchases_are_remembered_longer_than_glances_up_to_half_of_the_profile() -> None:
    profiles = _profiles()
    _see(profiles, "p0", NOW, "purchase")
    for place in range(1, MAX_ITEMS + 10):
        _see(profiles, f"p{place}", NOW + place)
    assert 0 in _codes(profiles)
    for place in range(100, 100 + MAX_ITEMS):
        _see(profiles, f"p{place}", NOW + place, "purchase")
    codes = _codes(profiles)
    assert 0 not in codes
    assert (sum(code >= 100 for code in codes), len(codes)) == (MAX_ITEMS // 2, MAX_ITEMS)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from(["view", "add_to_cart", "remove_from_cart", "purchase"]),
            st.floats(0, 1e6),
        ),
        max_size=120,
    )
)
def test_profiles_stay_bounded_distinct_and_in_order(steps: list[tuple[int, str, float]]) -> None:
    profiles = _profiles()
    for code, kind, at in steps:
        _see(profiles, f"p{code}", at, kind)
    entries = profiles.entries("", "s")
    assert len(entries) <= MAX_ITEMS
    assert len({entry.code for entry in entries}) == len(entries)
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    assert all(0.0 <= entry.strength <= 10.0 for entry in entries)
    assert len(taste(entries, 0.8)) <= MAX_ANCHORS
