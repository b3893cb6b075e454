"""What shoppers see: tests of meaning, with and without a model."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from recsys_shop import DAY, NOW, ShopMaker, TestShop, event, history, ids, leather_and_shoes, product

from appliance.domain import Rule
from appliance.recsys.base import RecommendRequest
from appliance.settings import Recommender


def _home(shop: TestShop, session: str = "s", **more: object) -> RecommendRequest:
    return RecommendRequest(session_id=session, **more)  # type: ignore[arg-type]


def _kinds(names: list[str]) -> list[str]:
    return [name.rsplit("-", 1)[0] for name in names]


def test_first_day_without_model_or_events_shows_the_newest_and_says_so(shop: TestShop) -> None:
    answer = shop.service.recommend(_home(shop))
    assert (answer.strategy, answer.fallback) == ("newest", True)
    assert ids(answer)[:4] == ["balo-da-9", "balo-vai-9", "tui-da-9", "giay-9"]
    assert answer.items[0].reason.text == "Mới về"
    assert shop.service.model is None


def test_first_clicks_without_a_model_make_a_trend(shop: TestShop) -> None:
    shop.service.observe([event("a", "giay-3"), event("b", "giay-3"), event("b", "tui-da-1")])
    answer = shop.service.recommend(_home(shop))
    assert (answer.strategy, answer.fallback) == ("trending", True)
    assert ids(answer)[:2] == ["giay-3", "tui-da-1"]
    assert answer.items[0].reason.text == "Được quan tâm trong 7 ngày"
    assert len(ids(answer)) == 10


@pytest.mark.parametrize("trained_on", ["nothing", "history"])
def test_who_looks_at_leather_backpacks_sees_bags_and_not_shoes(shop: TestShop, trained_on: str) -> None:
    shop.train(history() if trained_on == "history" else ())
    shop.service.observe([event("s", "balo-da-1", at=NOW - 30), event("s", "balo-da-2", at=NOW - 5)])
    answer = shop.service.recommend(_home(shop, limit=8))
    assert (answer.strategy, answer.fallback) == ("session", False)
    kinds = _kinds(ids(answer))
    assert "giay" not in kinds
    assert kinds.count("balo-da") >= 3
    assert answer.items[0].reason.code == "viewed"
    assert answer.items[0].reason.text.startswith("Vì bạn đã xem Balo da bò")


def test_the_very_next_answer_knows_the_click(shop: TestShop) -> None:
    shop.train(history())
    before = ids(shop.service.recommend(_home(shop)))
    shop.service.observe([event("s", "giay-4")])
    after = ids(shop.service.recommend(_home(shop)))
    assert after != before
    assert set(_kinds(after[:5])) == {"giay"}
    shop.service.observe([event("s", "tui-da-4", at=NOW + 1)])
    shop.clock.at += 1
    kinds = _kinds(ids(shop.service.recommend(_home(shop))))
    assert "tui-da" not in _kinds(after[:5])
    assert kinds.count("tui-da") > kinds.count("giay")


def test_a_customer_is_recognised_in_a_new_session(shop: TestShop) -> None:
    shop.train(history())
    shop.service.observe([event("yesterday", f"giay-{number}", at=NOW - DAY, user="anna") for number in range(3)])
    answer = shop.service.recommend(RecommendRequest(user_id="anna", session_id="today"))
    assert answer.strategy == "personalised"
    assert set(_kinds(ids(answer)[:3])) == {"giay"}
    stranger = shop.service.recommend(_home(shop, "today"))
    assert stranger.fallback


def test_identify_carries_the_guest_over_and_forget_drops_all(shop: TestShop) -> None:
    shop.train(history())
    shop.service.observe([event("guest", "giay-1")])
    shop.service.identify("guest", "anna")
    assert shop.service.recommend(RecommendRequest(user_id="anna")).strategy == "personalised"
    shop.service.forget(user_id="anna")
    assert shop.service.recommend(RecommendRequest(user_id="anna")).fallback


def test_similar_products_are_of_the_same_kind_with_cosines_and_reason(shop: TestShop) -> None:
    shop.train(history())
    answer = shop.service.similar("tui-da-2", limit=5, locale="en")
    assert (answer.strategy, answer.fallback) == ("similar", False)
    assert set(_kinds(ids(answer))) == {"tui-da"}
    item = answer.items[0]
    assert item.reason.text in {"Similar to Leather handbag", "People who viewed Leather handbag also viewed"}
    assert 0 < item.components["content"] <= 1
    assert "tui-da-2" not in ids(shop.service.similar("tui-da-2", limit=100))


def test_similar_without_a_model_shows_the_category(shop: TestShop) -> None:
    shop.service.observe([event("a", "tui-da-5")])
    answer = shop.service.similar("tui-da-2", limit=4)
    assert (answer.strategy, answer.fallback) == ("trending", True)
    assert ids(answer)[0] == "tui-da-5"
    assert set(_kinds(ids(answer))) == {"tui-da"}
    assert "tui-da-2" not in ids(shop.service.similar("tui-da-2", limit=100))


def test_an_unknown_product_gets_an_answer_too(shop: TestShop) -> None:
    shop.train()
    assert shop.service.similar("nobody").fallback
    assert len(shop.service.bought_together("nobody").items) == 10


def test_bought_together_and_its_fallback(shop: TestShop) -> None:
    pairs = [
        event(f"s{number}", name, "purchase", at=NOW - number) for number in range(6) for name in ("giay-1", "tui-da-1")
    ]
    shop.train(pairs)
    answer = shop.service.bought_together("giay-1")
    assert (answer.strategy, answer.fallback, ids(answer)) == ("bought_together", False, ["tui-da-1"])
    assert answer.items[0].reason.text == "Thường mua cùng Giày thể thao nâu"
    instead = shop.service.bought_together("balo-da-1")
    assert (instead.strategy, instead.fallback) == ("similar", True)


def test_the_cart_gets_companions_and_never_its_own_products(shop: TestShop) -> None:
    pairs = [
        event(f"s{number}", name, "purchase", at=NOW - number) for number in range(6) for name in ("giay-1", "tui-da-1")
    ]
    shop.train(pairs)
    shop.service.observe([event("s", "giay-1", "add_to_cart")])
    answer = shop.service.recommend(_home(shop, placement="cart"))
    assert (answer.strategy, answer.fallback, ids(answer)[0]) == ("bought_together", False, "tui-da-1")
    assert "giay-1" not in ids(answer)


def test_the_product_page_is_about_its_product(shop: TestShop) -> None:
    shop.train(history())
    shop.service.observe([event("s", "giay-1")])
    answer = shop.service.recommend(_home(shop, placement="product", product_id="tui-da-3", limit=5))
    assert (answer.strategy, answer.fallback) == ("similar", False)
    assert _kinds(ids(answer)).count("tui-da") >= 4
    assert "tui-da-3" not in ids(answer)


def test_a_category_page_stays_in_its_category(shop: TestShop) -> None:
    shop.train(history())
    shop.service.observe([event("s", "giay-1")])
    handle = shop.catalogue.card("tui-da-1").categories[-1]  # type: ignore[union-attr]
    answer = shop.service.recommend(_home(shop, placement="category", category=handle, limit=8))
    assert len(answer.items) == 8
    assert all(handle in shop.catalogue.cards()[name].categories for name in ids(answer))


def test_what_was_just_bought_is_not_offered_again_for_a_while(shop: TestShop) -> None:
    shop.train(history())
    shop.service.observe([event("s", "giay-1"), event("s", "giay-2", "purchase")])
    assert "giay-2" not in ids(shop.service.recommend(_home(shop, limit=100)))
    shop.clock.at += 40 * DAY
    assert "giay-2" in ids(shop.service.recommend(_home(shop, limit=100)))


def test_popular_is_by_category_window_and_time(shop: TestShop) -> None:
    shop.train(history())
    handle = shop.catalogue.card("giay-1").categories[-1]  # type: ignore[union-attr]
    answer = shop.service.popular(handle, window_days=30, limit=5)
    assert (answer.strategy, answer.fallback) == ("trending", False)
    assert set(_kinds(ids(answer))) == {"giay"}
    assert answer.items[0].reason.text == "Bán chạy trong 30 ngày"
    shop.service.observe([event(f"x{number}", "giay-7") for number in range(300)])
    assert ids(shop.service.popular(handle, window_days=30))[0] == "giay-7"
    assert shop.service.popular("no-such-category").fallback


def test_a_pinned_product_leads_and_an_excluded_one_is_gone(shop: TestShop) -> None:
    shop.train(history())
    shop.rules[:] = [
        Rule(id="1", action="pin", target="product", value="giay-9"),
        Rule(id="2", action="exclude", target="category", value="balo"),
    ]
    shop.service.observe([event("s", "balo-da-1")])
    answer = shop.service.recommend(_home(shop))
    assert (ids(answer)[0], answer.items[0].reason.code) == ("giay-9", "pinned")
    assert not any(name.startswith("balo") for name in ids(answer))
    assert ids(shop.service.similar("tui-da-1"))[0] == "giay-9"


def test_a_new_product_is_similar_and_recommended_at_once(shop: TestShop) -> None:
    shop.train(history())
    new = product("moi", "Túi xách da cam", "Túi > Túi xách", title_en="Leather handbag", tags=("túi", "da"))
    shop.catalogue.upsert([new])
    assert set(_kinds(ids(shop.service.similar("moi", limit=5)))) == {"tui-da"}
    assert "moi" in ids(shop.service.similar("tui-da-1", limit=10))
    shop.service.observe([event("s", "tui-da-1")])
    assert "moi" in ids(shop.service.recommend(_home(shop, limit=12)))


def test_an_edited_product_moves_to_its_new_neighbours(shop: TestShop) -> None:
    shop.train()
    edited = product("giay-0", "Túi xách da đen", "Túi > Túi xách", title_en="Leather handbag", tags=("túi", "da"))
    shop.catalogue.upsert([edited])
    assert "tui-da" in set(_kinds(ids(shop.service.similar("giay-0", limit=3))))
    assert "giay-0" not in ids(shop.service.similar("giay-1", limit=9))


def test_a_change_of_stock_does_not_enter_the_tail(shop: TestShop) -> None:
    shop.train()
    shop.catalogue.upsert([product("giay-0", "Giày thể thao đen", "Giày > Giày thể thao", stock=0)])
    shop.catalogue.upsert(leather_and_shoes())
    tail = shop.service._serving.tail
    assert tail is not None and len(tail) == 1


def test_a_large_import_is_taken_in_in_the_background(shop: TestShop) -> None:
    shop.train()
    shop.catalogue.upsert([product(f"n{number}", f"Ví da nam {number}", "Ví", tags=("ví",)) for number in range(100)])
    assert shop.service._freshness.wait(30)
    assert set(ids(shop.service.similar("n1", limit=5))) <= {f"n{number}" for number in range(100)}


def test_a_new_model_knows_what_changed_since_its_snapshot(shop: TestShop) -> None:
    shop.train(load=False)
    shop.catalogue.upsert([product("moi", "Túi xách da cam", "Túi > Túi xách", tags=("túi", "da"))])
    shop.catalogue.upsert([product("giay-0", "Túi xách da đen", "Túi > Túi xách", tags=("túi", "da"))])
    shop.service.load(shop.artifacts.candidates("recommender")[0])
    assert shop.service._freshness.wait(30)
    assert {"moi", "giay-0"} <= set(ids(shop.service.similar("tui-da-1", limit=14)))


def test_events_in_the_model_are_not_counted_again_at_a_replay(shop: TestShop) -> None:
    past = [event("a", "giay-1", at=NOW - DAY), event("b", "giay-2", at=NOW - DAY), event("c", "giay-2", at=NOW - DAY)]
    shop.train(past)
    shop.service.observe([event(f"r{number}", "giay-1", at=NOW - DAY) for number in range(5)])
    assert ids(shop.service.popular())[0] == "giay-2"


def test_missing_annoy_is_said_where_it_would_be_used(make_shop: ShopMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make_shop(settings=Recommender(annoy_from=10))
    monkeypatch.setattr("appliance.recsys.vectors.annoy_installed", lambda: False)
    monkeypatch.setattr("appliance.recsys.service.annoy_installed", lambda: False)
    shop.train()
    assert [issue.code for issue in shop.issues.open()] == ["annoy_missing"]
    assert shop.service.similar("giay-1").items


def test_answers_while_models_and_products_change(shop: TestShop) -> None:
    shop.train(history())
    path = shop.artifacts.candidates("recommender")[0]
    failures: list[BaseException] = []
    stop = threading.Event()

    def ask(number: int) -> None:
        try:
            while not stop.is_set():
                shop.service.observe([event(f"t{number}", f"giay-{number}", at=shop.clock())])
                assert shop.service.recommend(_home(shop, f"t{number}")).items
                assert shop.service.similar("tui-da-1").items
                assert shop.service.popular().items
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for round_number in range(12):
        shop.service.load(path)
        shop.catalogue.upsert([product(f"r{round_number}", f"Túi xách da {round_number}", "Túi > Túi xách")])
        shop.catalogue.delete([f"r{round_number - 1}"])
    stop.set()
    for thread in threads:
        thread.join(30)
    assert failures == []


def test_serving_needs_no_scipy() -> None:
    code = (
        "import sys; import appliance.recsys.service; "
        "heavy = {'scipy', 'duckdb', 'annoy'} & {name.split('.')[0] for name in sys.modules}; "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
