"""What follows the matches when a page is not full: near misses, never counted and never in front of a match."""

from __future__ import annotations

import numpy as np
import pytest
from search_shop import Opener, Shop, product, variants

from appliance.search.spellings import Spellings
from appliance.search.types import SearchQuery, SearchResult


def _related(result: SearchResult) -> list[str]:
    return [hit.product_id for hit in result.related]


@pytest.fixture
def pantry(open_shop: Opener) -> Shop:
    return open_shop(
        [
            product("both", "Peanut butter with honey"),
            product("butter", "Peanut butter"),
            product("honey", "Honey", variants=variants("", "", 900)),
            product("sweetener", "Stevia sweetener"),
            product("mug", "Mug"),
        ]
    )


def test_products_that_answer_in_part_follow_the_matches(pantry: Shop) -> None:
    result = pantry.ask("peanut butter honey")
    assert [hit.product_id for hit in result.items] == ["both"]
    assert result.total == 1
    assert _related(result) == ["butter", "honey"]


def test_a_word_spelt_alike_stands_in_when_nothing_has_the_word(pantry: Shop) -> None:
    assert "sweetener" in _related(pantry.ask("sweetnerz stevla honey"))
    assert _related(pantry.ask("zzzzqqq")) == []


def test_nothing_is_shown_twice_and_nothing_unrelated(pantry: Shop) -> None:
    for q in ("honey", "butter honey", "peanut mug", "sweetener"):
        result = pantry.ask(q)
        assert not {hit.product_id for hit in result.items} & set(_related(result))
    assert _related(pantry.ask("mug")) == []


def test_filters_hold_for_what_is_related(pantry: Shop) -> None:
    assert _related(pantry.ask("peanut butter honey", price_max=1000)) == ["honey"]


def test_only_a_page_that_is_not_full_shows_more(pantry: Shop) -> None:
    assert _related(pantry.ask("peanut butter honey", limit=1)) == []
    assert _related(pantry.ask("peanut butter honey", limit=2)) == ["butter"]
    assert _related(pantry.ask("peanut butter honey", sort="price_asc")) == []
    assert _related(pantry.ask("")) == []


def test_drafts_and_deleted_products_are_never_related(pantry: Shop) -> None:
    pantry.catalogue.set_status(["butter"], "draft")
    pantry.catalogue.delete(["honey"])
    assert _related(pantry.ask("peanut butter honey")) == []


def test_related_products_are_the_same_after_changes_as_in_a_fresh_index(pantry: Shop) -> None:
    pantry.catalogue.upsert([product("jam", "Honey jam"), product("honey", "Honeycomb")])
    pantry.catalogue.delete(["mug"])
    fresh = pantry.another_search()
    fresh.start()
    for q in ("peanut butter honey", "honey mug", "honeycom", "sweetner stevia peanut"):
        query = SearchQuery(q, limit=100)
        assert pantry.search.search(query).related == fresh.search(query).related, q


def test_likeness_is_the_cosine_of_the_marked_n_grams() -> None:
    # ^abc$ has 4 + 3 + 2 = 9 n-grams, ^abd$ too; they share ^a, ab and ^ab.
    ((word, likeness),) = Spellings(["abd", "abc"]).near("abc", 0.1)
    assert word == "abd"
    assert likeness == pytest.approx(3 / 9)
    assert Spellings(["abd"]).near("abc", 0.34) == []


def test_likeness_knows_repeated_n_grams_foreign_letters_and_lengths() -> None:
    assert dict(Spellings(["aaaa", "日本語", "x" * 30]).near("aaaaa", 0.5)).keys() == {"aaaa"}
    assert Spellings([]).near("word", 0.1) == []
    assert Spellings(["word"]).near("", 0.1) == []
    random = np.random.default_rng(5)
    words = ["".join(random.choice(list("abcde"), random.integers(1, 9))) for _ in range(200)]
    for word in words[:20]:
        for other, likeness in Spellings(sorted(set(words))).near(word, 0.3):
            assert likeness == pytest.approx(_cosine(word, other), abs=1e-6)


def _cosine(first: str, second: str) -> float:
    one, two = _grams(first), _grams(second)
    return float(len(one & two) / np.sqrt(len(one) * len(two)))


def _grams(word: str) -> set[str]:
    marked = f"^{word}$"
    return {marked[start : start + size] for size in (2, 3, 4) for start in range(len(marked) - size + 1)}
