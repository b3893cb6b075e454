"""What products are made of, and the cosine that compares them."""

from __future__ import annotations

import numpy as np
import pytest
from recsys_shop import leather_and_shoes, product

from appliance.ops.demo.catalogue import generate_products
from appliance.recsys.features import BLOCKS, set_cosine, token_blocks, token_hash, word_ngrams
from appliance.recsys.tfidf import WIDTH
from appliance.recsys.vectorise import NAME_WEIGHT, fit

NAMES = [block.name for block in BLOCKS]


def _block(name: str, **fields: object) -> dict[str, float]:
    return token_blocks(product("p", str(fields.pop("title", "")), str(fields.pop("category", "x")), **fields))[
        NAMES.index(name)
    ]


def test_worked_example_of_set_cosine() -> None:
    assert set_cosine(["backpack", "red"], ["backpack", "red"]) == pytest.approx(1.0)
    assert set_cosine(["backpack", "red"], ["red", "blue"]) == pytest.approx(0.5)
    assert set_cosine([], ["red"]) == 0.0


def test_worked_example_through_the_fitted_vectors() -> None:
    bare = {"category": "", "price": 0}
    tagged = [
        product("a", "", tags=("backpack", "red"), **bare),
        product("b", "", tags=("red", "backpack"), **bare),
        product("c", "", tags=("red", "blue"), **bare),
    ]
    vectoriser, rows = fit(tagged)
    cosines = rows.cosines(0, np.array([1, 2]), vectoriser.size)
    assert cosines.tolist() == pytest.approx([1.0, 0.5])


def test_block_weights_add_up_to_one() -> None:
    assert sum(block.weight for block in BLOCKS) == pytest.approx(1.0)


def test_spelling_variants_are_the_same_words() -> None:
    assert _block("title", title="BALÔ Da") == _block("title", title="balo da")
    assert _block("tags", tags=("Đỏ",)) == _block("tags", tags=("do",))


def test_ngrams_mark_the_borders_of_short_words() -> None:
    assert word_ngrams("da") == ("n:^da", "n:da$", "n:^da$")
    assert word_ngrams("a") == ("n:^a$",)


def test_category_paths_count_on_every_level() -> None:
    assert set(_block("categories", category="Túi > Túi xách")) == {"c:tui", "c:tui>tui xach"}


def test_numbers_and_long_texts_are_no_facts() -> None:
    facts = _block("facts", attributes={"margin": "0.35", "material": "Da bò", "care": "x" * 100})
    assert set(facts) == {"a:material=da bo"}
    assert set(_block("material", attributes={"Chất liệu": "Da bò"})) == {"m:da", "m:bo"}


def test_price_belongs_to_two_bands_in_part() -> None:
    tokens = _block("price", price=500_000)
    assert sum(tokens.values()) == pytest.approx(1.0)
    assert len(tokens) == 2
    assert _block("price", price=0) == {}


def test_neighbouring_prices_share_a_band_and_distant_ones_do_not() -> None:
    assert set(_block("price", price=500_000)) & set(_block("price", price=560_000))
    assert not set(_block("price", price=500_000)) & set(_block("price", price=5_000_000))


def test_transform_of_a_known_product_is_its_fitted_row() -> None:
    products = leather_and_shoes()
    vectoriser, rows = fit(products)
    for place, item in enumerate(products):
        columns, values = vectoriser.transform(item)
        assert rows.against(columns, values, np.array([place]), vectoriser.size)[0] == pytest.approx(1.0, abs=1e-5)


def test_rows_have_unit_length_and_bounded_width() -> None:
    long = product("long", "Balo", "Túi", description=" ".join(f"từ{number}" for number in range(500)))
    _, rows = fit([*leather_and_shoes(), long])
    assert rows.columns.shape == (41, WIDTH)
    assert np.linalg.norm(rows.values, axis=1) == pytest.approx(np.ones(41), abs=1e-5)


def test_repeating_a_word_moves_less_than_a_tenth() -> None:
    plain = product("plain", "Giày chạy bộ", "Giày")
    stuffed = product("stuffed", "Giày chạy bộ " + "balo da " * 15, "Giày")
    vectoriser, rows = fit([*leather_and_shoes(), plain, stuffed])
    backpacks = np.arange(10)
    gained = rows.cosines(41, backpacks, vectoriser.size) - rows.cosines(40, backpacks, vectoriser.size)
    once = product("once", "Giày chạy bộ balo da", "Giày")
    honest = rows.against(*vectoriser.transform(once), backpacks, vectoriser.size)
    stuffing = rows.cosines(41, backpacks, vectoriser.size) - honest
    assert gained.max() < 0.45
    assert stuffing.max() < 0.1


def test_unknown_words_and_empty_products_give_no_error() -> None:
    vectoriser, _ = fit(leather_and_shoes())
    columns, values = vectoriser.transform(product("q", "", "", price=0))
    assert not values.any()
    assert (columns == -1).all()


def test_an_empty_catalogue_has_no_rows() -> None:
    vectoriser, rows = fit([])
    assert (vectoriser.size, len(rows.columns)) == (0, 0)
    assert not vectoriser.transform(product("q", "Balo", "Túi"))[1].any()


def test_a_model_name_makes_nothing_alike() -> None:
    """Names run through all kinds of products; words for a kind, its category and its material do not."""
    products = generate_products(7, 1_760_000_000.0)
    vectoriser, rows = fit(products)
    everything = np.arange(len(products))
    same_leaf, same_name = [], []
    for place, item in enumerate(products):
        cosines = rows.cosines(place, everything, vectoriser.size)
        nearest = [products[row] for row in np.argsort(-cosines)[:9].tolist() if row != place][:8]
        same_leaf += [near.categories == item.categories for near in nearest]
        name = {word for word in item.title.split()[1:] if word[0].isupper()}
        same_name += [
            near.categories != item.categories and name <= set(near.title.split()) for near in nearest if name
        ]
    assert np.mean(same_leaf) > 0.8
    assert np.mean(same_name) < 0.01


def test_a_word_of_one_kind_keeps_its_weight_and_one_of_all_kinds_does_not() -> None:
    shelves = ("Túi > Balo", "Túi > Ví", "Giày > Sneaker", "Giày > Dép")
    products = [product(f"{shelf}{n}", f"{shelf[-3:]}loại Hạnh {n}", shelf) for shelf in shelves for n in range(3)]
    products += [product(f"h{n}", f"Hạnh đỗ quyên{n}", f"Khác > Kệ {n}") for n in range(6)]
    vectoriser, _ = fit(products)
    idf = dict(zip(vectoriser.vocabulary.tolist(), vectoriser.idf.tolist(), strict=True))
    document_frequency_of_name = 6
    unweighted = float(
        np.log1p((len(products) - document_frequency_of_name + 0.5) / (document_frequency_of_name + 0.5))
    )
    assert idf[token_hash("w:do")] == pytest.approx(NAME_WEIGHT * unweighted, rel=1e-4)
    kept = float(np.log1p((len(products) - 3 + 0.5) / 3.5))
    assert idf[token_hash("c:tui>balo")] == pytest.approx(kept, rel=1e-4)
