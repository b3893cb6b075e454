"""The parts that read words: analyser, dictionary, query parser and slips."""

from __future__ import annotations

import pytest
from search_shop import product, variants

from appliance.search.analyzer import Analyzer, category_levels, joined, marked_words
from appliance.search.build import build_segment
from appliance.search.facet_values import colour_key, colour_values
from appliance.search.lexicon import lexicon
from appliance.search.parse import MAX_WORDS, Role, parse
from appliance.search.state import IndexState
from appliance.search.typos import candidates


def test_marked_words_keep_diacritics_in_one_form() -> None:
    assert [word.folded for word in marked_words("Hoà hòa HOA đường")] == ["hoa", "hoa", "hoa", "duong"]
    old, new, plain, _ = (word.marked for word in marked_words("Hoà hòa HOA đường"))
    assert old == new != plain == "hoa"


def test_adjacent_words_are_joined_but_numbers_are_not() -> None:
    assert joined(["ba", "lo", "da", "38"]) == ["+balo", "+loda"]


def test_descriptions_join_known_compounds_only() -> None:
    analyzer = Analyzer(lexicon().compounds)
    *_, description = analyzer.fields(product("a", "Mũ", description="một ba lô da đẹp"))
    assert [term for term in description.terms if term.startswith("+")] == ["+balo"]
    assert description.length == 5


def test_the_owners_margin_is_not_searchable() -> None:
    *_, attributes, _ = Analyzer(()).fields(product("a", "Mũ", attributes={"margin": "0.4142", "brand": "Nón Sơn"}))
    assert "4142" not in attributes.terms
    assert "son" in attributes.terms


def test_category_paths_split_into_levels() -> None:
    assert category_levels("Túi >  Túi xách>Da ") == ["Túi", "Túi xách", "Da"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Đen", "den"),
        ("BLACK", "den"),
        ("đen nhám", "den"),
        ("matte black", "den"),
        ("Xanh navy", "xanh-navy"),
        ("navy", "xanh-navy"),
        ("xanh lá cây", "xanh-la"),
        ("Cầu vồng", "cau-vong"),
        ("", ""),
    ],
)
def test_colours_have_one_key_in_both_languages(name: str, key: str) -> None:
    assert colour_key(name) == key


def test_a_variant_may_name_two_colours() -> None:
    found = colour_values(product("a", "Giày", variants=variants("38", "Đen/Trắng")))
    assert found == [("den", "đen"), ("trang", "trắng")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tui deo cheo duoi 500k", ["tui", "deo", "cheo"]),
        ("giày dưới 1.5 triệu", ["giay"]),
        ("balo từ 300 đến 500 nghìn", ["balo"]),
        ("túi 500.000đ", ["tui"]),
        ("giày size 42", ["giay", "42"]),
        ("thức ăn cho chó", ["thuc", "an", "cho"]),
        ("ba lô da", ["balo", "da"]),
        ("under 500k", ["under", "500k"]),
        ("balo balo BALO", ["balo"]),
    ],
)
def test_the_parser_tells_products_from_prices_and_filler(text: str, wanted: list[str]) -> None:
    assert [word.folded for word in parse(text).words if word.role is Role.WANTED] == wanted


def test_the_parser_bounds_what_it_reads() -> None:
    assert len(parse(" ".join(f"w{number}" for number in range(500))).words) <= MAX_WORDS
    assert parse("").words == parse("?!").words == ()


def test_the_parser_knows_a_growing_word_and_typed_diacritics() -> None:
    assert parse("bal").open
    assert not parse("bal ").open
    assert parse("túi").accented
    assert not parse("tui").accented


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dda", "da"),
        ("giya", "giay"),
        ("giayf", "giay"),
        ("xahc", "xach"),
        ("tiu", "tui"),
        ("sneeker", "sneaker"),
        ("backpakc", "backpack"),
        ("wuw", ""),
        ("qqqqq", ""),
        ("38", ""),
        ("a" * 60, ""),
    ],
)
def test_the_nearest_word_is_proposed(typed: str, meant: str) -> None:
    titles = ["Balo da", "Giày sneaker", "Túi xách", "Gián", "Đá"]
    segment = build_segment([product(f"p{number}", title) for number, title in enumerate(titles)])
    found = candidates(IndexState.of(segment, 1, {}), typed)
    assert (found[0].word if found else "") == meant


def test_every_colour_and_compound_of_the_dictionary_is_well_formed() -> None:
    known = lexicon()
    assert all(len(pair) == 2 for pair in known.compounds)
    assert all(word == word.lower() for phrase in known.synonyms for word in phrase)
    assert {colour.key for colour in known.colours.values()} >= {"den", "trang", "do", "xanh-duong"}
