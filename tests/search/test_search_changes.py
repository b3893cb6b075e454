"""Changes after the build: found at once, gone at once, and the same answers as a fresh index gives."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from search_shop import ASSORTMENT, Opener, product
from test_search_facets import random_products

from appliance.errors import ArtifactInvalid, Unavailable
from appliance.search import service as service_module
from appliance.search.build import build_index, build_segment
from appliance.search.merge import merge_segments
from appliance.search.segment import load_segment
from appliance.search.types import SearchQuery

QUERIES = [
    "",
    "balo",
    "ba lô da",
    "túi da",
    "giày nữ",
    "dep",
    "mini",
    "nu 36",
    "black",
    "bal",
    "gi",
    "balo dda",
    "tuis",
    "xyz",
]


@pytest.mark.parametrize("seed", range(4))
def test_an_index_grown_by_changes_answers_like_a_fresh_one(open_shop: Opener, seed: int) -> None:
    rng = random.Random(seed)
    pool = random_products(seed, 80)
    shop = open_shop(pool[:40])
    for _ in range(12):
        changed = [
            product(f"p{rng.randrange(80)}", rng.choice(pool).title, variants=rng.choice(pool).variants, tags=("dẹp",))
            for _ in range(rng.choice([1, 1, 3, 15]))
        ]
        shop.catalogue.upsert(list({item.id: item for item in changed}.values()))
        shop.catalogue.delete([f"p{rng.randrange(80)}" for _ in range(rng.randint(0, 3))])
        shop.catalogue.set_status([f"p{rng.randrange(80)}"], rng.choice(["draft", "published"]))
        fresh = shop.another_search()
        fresh.start()
        for q in QUERIES:
            for sort in ("relevance", "price_asc"):
                query = SearchQuery(q, sort=sort, limit=100)
                assert shop.search.search(query) == fresh.search(query), (q, sort)


def test_a_new_product_is_found_at_once_and_a_deleted_one_is_gone(open_shop: Opener) -> None:
    shop = open_shop(ASSORTMENT)
    shop.catalogue.upsert([product("moi", "Balo trekking vải dù")])
    assert shop.ids("trekking") == ["moi"]
    shop.catalogue.upsert([product("moi", "Nón kết")])
    assert shop.ids("trekking") == []
    assert shop.ids("nón kết") == ["moi"]
    shop.catalogue.delete(["moi"])
    assert shop.ids("nón kết") == []
    shop.catalogue.set_status(["balo-da"], "draft")
    assert "balo-da" not in shop.ids("balo")
    shop.catalogue.set_status(["balo-da", "nhap"], "published")
    assert {"balo-da", "nhap"} <= set(shop.ids("balo"))


def test_a_shop_that_starts_empty_fills_up(open_shop: Opener) -> None:
    shop = open_shop([])
    assert shop.search.ready
    assert shop.ask("balo").total == shop.ask("").total == 0
    assert shop.ask("").facets.price.min is None
    for item in ASSORTMENT:
        shop.catalogue.upsert([item])
    assert len(shop.ids("balo")) == 3


def test_merging_parts_gives_the_segment_of_the_whole(tmp_path: Path) -> None:
    products = random_products(3, 90)
    whole = build_segment(products)
    merged = merge_segments([(build_segment(products[:50]), None), (build_segment(products[50:]), None)])
    merged.save(tmp_path / "a", 1)
    whole.save(tmp_path / "b", 1)
    for file in (tmp_path / "a").glob("*.npy"):
        # Facet codes are numbered as met, which differs; everything else is byte for byte the same.
        if not file.name.endswith("_codes.npy"):
            assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name
    assert merged.terms == whole.terms


def test_a_built_index_is_loaded_and_catches_up(open_shop: Opener, tmp_path: Path) -> None:
    shop = open_shop(ASSORTMENT)
    shares: list[float] = []
    info = build_index(
        shop.catalogue.iter_products(),
        tmp_path / "index",
        lambda share, _: shares.append(share),
        revision=shop.catalogue.revision,
        total=len(ASSORTMENT),
    )
    assert info["products"] == len(shop.catalogue)
    assert info["revision"] == shop.catalogue.revision
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    shop.catalogue.upsert([product("moi", "Balo trekking")])
    shop.catalogue.delete(["balo-da"])
    loaded = shop.another_search()
    loaded.load(tmp_path / "index")
    for q in QUERIES:
        assert loaded.search(SearchQuery(q)) == shop.search.search(SearchQuery(q)), q


def test_an_index_of_an_unknown_moment_is_reconciled_with_the_catalogue(open_shop: Opener, tmp_path: Path) -> None:
    shop = open_shop(ASSORTMENT)
    build_index([*ASSORTMENT[2:], product("fremd", "Balo lạ")], tmp_path / "index", revision=shop.catalogue.revision)
    loaded = shop.another_search()
    loaded.load(tmp_path / "index")
    assert loaded.search(SearchQuery("balo")) == shop.search.search(SearchQuery("balo"))


@pytest.mark.parametrize("damage", ["missing", "truncated", "meta", "foreign", "schema"])
def test_a_damaged_index_is_refused_and_the_former_stays(open_shop: Opener, tmp_path: Path, damage: str) -> None:
    shop = open_shop(ASSORTMENT)
    folder = tmp_path / "index"
    build_index(ASSORTMENT, folder)
    if damage == "missing":
        (folder / "docs.npy").unlink()
    elif damage == "truncated":
        (folder / "impacts.npy").write_bytes((folder / "impacts.npy").read_bytes()[:200])
    elif damage == "meta":
        (folder / "index.json").write_bytes(b"{")
    elif damage == "foreign":
        build_index(ASSORTMENT[:3], tmp_path / "other")
        (folder / "price.npy").write_bytes((tmp_path / "other" / "price.npy").read_bytes())
    else:
        text = (folder / "index.json").read_text(encoding="utf-8")
        (folder / "index.json").write_text(text.replace('"schema":2', '"schema":99'), encoding="utf-8")
    before = shop.ids("balo")
    with pytest.raises(ArtifactInvalid):
        shop.search.load(folder)
    assert shop.ids("balo") == before


def test_saving_and_mapping_keeps_everything(tmp_path: Path) -> None:
    segment = build_segment(ASSORTMENT)
    segment.save(tmp_path, 7)
    loaded, revision = load_segment(tmp_path)
    assert revision == 7
    assert (loaded.ids, loaded.terms) == (segment.ids, segment.terms)
    assert loaded.impacts.tolist() == segment.impacts.tolist()
    assert loaded.facets["colors"].labels == segment.facets["colors"].labels


def test_a_large_catalogue_waits_for_its_index_and_says_so(
    open_shop: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop(ASSORTMENT)
    monkeypatch.setattr(service_module, "IN_MEMORY_MAX", 5)
    waiting = shop.another_search()
    waiting.start()
    assert (waiting.ready, waiting.wants_rebuild) == (False, True)
    assert [issue.code for issue in shop.issues.open()] == ["search_index_missing"]
    with pytest.raises(Unavailable):
        waiting.search(SearchQuery("balo"))
    waiting.apply(shop.catalogue.changes_since(0))
    build_index(ASSORTMENT, tmp_path / "index", revision=shop.catalogue.revision)
    waiting.load(tmp_path / "index")
    assert waiting.ready
    assert shop.issues.open() == []


def test_many_changes_ask_for_a_rebuild(open_shop: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "REBUILD_MIN", 3)
    shop = open_shop(ASSORTMENT)
    assert not shop.search.wants_rebuild
    shop.catalogue.upsert([product(f"n{number}", f"Nón {number}") for number in range(3)])
    assert not shop.search.wants_rebuild
    shop.catalogue.delete(["balo-da"])
    assert shop.search.wants_rebuild


def test_popularity_survives_changes_and_loading(open_shop: Opener, tmp_path: Path) -> None:
    shop = open_shop(ASSORTMENT)
    shop.search.set_popularity({"mua": 10.0, "moi": 20.0, "unknown": 99.0})
    assert shop.ids("", sort="best_selling")[0] == "mua"
    shop.catalogue.upsert([product("moi", "Nón kết")])
    assert shop.ids("", sort="best_selling")[:2] == ["moi", "mua"]
    build_index(ASSORTMENT, tmp_path / "index", revision=1)
    shop.search.load(tmp_path / "index")
    assert shop.ids("", sort="best_selling")[:2] == ["moi", "mua"]


def test_readers_see_whole_states_while_a_writer_changes_prices(open_shop: Opener) -> None:
    shop = open_shop([product(f"p{number}", "Balo da") for number in range(60)])
    stop = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            result = shop.ask("balo")
            counted = sum(value.count for value in result.facets.in_stock)
            if not (
                result.total == len(result.items) == counted == len({hit.product_id for hit in result.items}) == 60
            ):
                wrong.append(result)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for round_number in range(40):
        shop.catalogue.upsert([product(f"p{round_number}", f"Balo da kiểu {round_number}")])
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert shop.ask("kiểu").total == 40
