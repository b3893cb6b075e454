"""Import through a running process: the same report and the same stores as an import beside none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from importing_shop import NOW, ImportShop

from appliance.errors import ApplianceError, Unavailable
from appliance.ops.importing.http_sink import HttpSink
from appliance.ops.importing.wire import InteractionsBody, ProductsBody, apply_interactions, apply_products
from appliance.settings import Settings

PRODUCTS = (
    '{"id":"p1","title":"Túi","price":450000,"categories":["Túi"],"variants":[{"size":"S","price":"400.000","stock":2}]}\n'
    '{"id":"p2","handle":"tui-p1","title":"Trùng","price":19.99,"currency":"USD","created_at":"2024-04-01"}\n'
    '{"id":"p3","title":""}\n'
    '{"id":"p4","title":"Áo","thumbnail":"/a.jpg","attributes":{"brand":"X"},"status":"draft"}\n'
)
INTERACTIONS = (
    "user_id,session_id,product_id,type,time,qty,metadata\n"
    'u1,s1,p1,purchase,1711929600.5,3,"{""a"":1}"\nu1,,zz,view,1711929600,,\nu1,,p1,nonsense,1711929600,,\n'
)


def _process(shop: ImportShop) -> Callable[[httpx.Request], httpx.Response]:
    """Answer as the two admin routes do."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer adm_x"
        assert len(request.content) < 1 << 20
        if request.url.path.endswith("/products"):
            products = msgspec.json.decode(request.content, type=ProductsBody)
            reply = apply_products(products, shop.sink, Settings(), "en")
        else:
            events = msgspec.json.decode(request.content, type=InteractionsBody)
            reply = apply_interactions(events, shop.sink, Settings(), "en", NOW)
        return httpx.Response(200, content=msgspec.json.encode(reply))

    return answer


def _client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(
        base_url="http://box", headers={"Authorization": "Bearer adm_x"}, transport=httpx.MockTransport(answer)
    )


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[tuple[ImportShop, ImportShop]]:
    made = [ImportShop(tmp_path / name) for name in ("local", "process")]
    yield made[0], made[1]
    for shop in made:
        shop.close()


def test_both_ways_give_the_same_report_and_the_same_stores(
    shops: tuple[ImportShop, ImportShop], tmp_path: Path
) -> None:
    local, process = shops
    products, interactions = tmp_path / "p.jsonl", tmp_path / "i.csv"
    products.write_text(PRODUCTS, encoding="utf-8")
    interactions.write_text(INTERACTIONS, encoding="utf-8")
    reports = [(local.products(products), local.interactions(interactions, create_products=True))]
    owner = ImportShop.__new__(ImportShop)
    owner.__dict__ |= process.__dict__ | {"sink": HttpSink(_client(_process(process)))}
    reports.append((owner.products(products), owner.interactions(interactions, create_products=True)))
    for first, second in zip(*reports, strict=True):
        for report in (first, second):
            assert Path(report.rejects_file).exists()
            report.rejects_file = ""
        assert first == second
    for product_id in ("p1", "p4", "zz"):
        here, there = (shop.catalogue.product(product_id) for shop in (local, process))
        assert here is not None
        assert there is not None
        assert msgspec.structs.replace(here, created_at=0.0) == msgspec.structs.replace(there, created_at=0.0)
    assert local.journalled() == process.journalled()
    assert reports[0][0].accepted == 2
    assert reports[0][1].created_products == 1


def test_large_rows_are_sent_in_several_requests(shops: tuple[ImportShop, ImportShop], tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    rows = [{"id": f"p{number}", "title": "x", "description": "y" * 90_000} for number in range(30)]
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    process = shops[1]
    process_sink = HttpSink(_client(_process(process)))
    owner = ImportShop.__new__(ImportShop)
    owner.__dict__ |= process.__dict__ | {"sink": process_sink}
    assert owner.products(file).inserted == 30


def test_a_busy_process_is_waited_for(shops: tuple[ImportShop, ImportShop]) -> None:
    answers = iter([httpx.Response(503, headers={"Retry-After": "2"}), httpx.Response(429)])
    process = _process(shops[1])
    waits: list[float] = []
    sink = HttpSink(_client(lambda request: next(answers, None) or process(request)), sleep=waits.append)
    assert sink.interactions([], create_products=False).inserted == 0
    assert not waits
    events = shops[0]
    (events.folder / "i.csv").write_text(INTERACTIONS, encoding="utf-8")
    events.interactions(events.folder / "i.csv")
    assert sink.interactions(events.journalled(), create_products=False).inserted == 2
    assert waits == [2.0, 1.0]


def test_a_refusal_is_an_error_with_its_reason(shops: tuple[ImportShop, ImportShop]) -> None:
    local = shops[0]
    (local.folder / "i.csv").write_text(INTERACTIONS, encoding="utf-8")
    local.interactions(local.folder / "i.csv")
    problem = {"title": "Unauthorised", "detail": "This needs an admin token."}
    sink = HttpSink(_client(lambda _: httpx.Response(401, json=problem)))
    with pytest.raises(ApplianceError, match="needs an admin token"):
        sink.interactions(local.journalled(), create_products=False)

    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Unavailable, match="does not answer"):
        HttpSink(_client(gone)).interactions(local.journalled(), create_products=False)
