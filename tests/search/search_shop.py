"""A bag-and-shoe shop on a real catalogue, and a search that follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from appliance.domain import Product, Variant
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.search.service import SearchService
from appliance.search.types import SearchQuery, SearchResult
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.sqlite import SqliteStore


def variants(sizes: str, colors: str, price: int = 450_000, stock: int | None = 5) -> tuple[Variant, ...]:
    """Return a variant for every size and colour, both separated by commas."""
    pairs = [(size, color) for size in sizes.split(",") for color in colors.split(",")]
    return tuple(
        Variant(id=f"v{number}", size=size, color=color, price=price, stock=stock)
        for number, (size, color) in enumerate(pairs)
    )


def product(product_id: str, title: str, category: str = "", **values: object) -> Product:
    """Return a product with sensible defaults."""
    record: dict[str, object] = {"variants": variants("", ""), "categories": (category,) if category else ()}
    record["created_at"] = 1_700_000_000.0
    return Product(id=product_id, handle=product_id, title=title, **{**record, **values})  # type: ignore[arg-type]


ASSORTMENT = [
    product("balo-da", "Balo da nữ mini", "Túi > Balo", tags=("công sở",), variants=variants("", "Đen,Nâu", 650_000)),
    product(
        "ba-lo-da",
        "Ba lô da nam công sở",
        "Túi > Balo",
        description="Chất da bò thật, bền.",
        attributes={"gender": "nam"},
    ),
    product("balo-laptop", "Balo laptop chống nước", "Túi > Balo", variants=variants("", "Xanh navy", 390_000)),
    product("tui-cheo", "Túi đeo chéo da mini", "Túi > Túi đeo chéo", variants=variants("", "Đen,Trắng", 420_000)),
    product("tui-xach", "Túi xách nữ thời trang", "Túi > Túi xách", variants=variants("", "Be", 890_000, 0)),
    product("vi-da", "Ví da bò", "Phụ kiện", description="Có từ năm 1990, giá dưới thị trường."),
    product(
        "giay-nu",
        "Giày cao gót nữ",
        "Giày > Giày nữ",
        attributes={"gender": "nữ"},
        variants=variants("36,37,38", "Đỏ,Đen"),
    ),
    product(
        "giay-be-nu", "Giày búp bê", "Giày > Giày nữ", attributes={"gender": "nữ"}, variants=variants("35,36", "Hồng")
    ),
    product(
        "giay-nam", "Giày tây nam", "Giày > Giày nam", attributes={"gender": "nam"}, variants=variants("38,42", "Đen")
    ),
    product(
        "sneaker", "Giày sneaker trắng", "Giày > Sneaker", title_en="White sneaker", variants=variants("38,42", "Trắng")
    ),
    product("duong", "Đường phèn 500g", "Thực phẩm"),
    product("duong-khong-dau", "Duong nau huu co", "Thực phẩm"),
    product("mua", "Áo mưa cánh dơi", "Áo", description="Đi từ nhà đến chỗ làm vẫn khô."),
    product("nhap", "Balo chưa bán", "Túi > Balo", status="draft"),
]


class Shop:
    """A catalogue, its search, and short ways to ask."""

    def __init__(self, folder: Path, products: Iterable[Product]) -> None:
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.store)
        self.catalogue.upsert(list(products))
        self.issues = IssueBoard()
        self.search = self.another_search()
        self.search.start()
        self.catalogue.subscribe(self.search.apply)

    def another_search(self) -> SearchService:
        """Return a second search of the same catalogue, not started."""
        return SearchService(self.catalogue, Settings(), Metrics(), self.issues)

    def ask(self, q: str = "", **values: object) -> SearchResult:
        """Search with plain arguments."""
        return self.search.search(SearchQuery(q, **{"limit": 100, **values}))  # type: ignore[arg-type]

    def ids(self, q: str = "", **values: object) -> list[str]:
        """Return the ids found, in order."""
        return [hit.product_id for hit in self.ask(q, **values).items]


Opener = Callable[[Iterable[Product]], Shop]
"""What the fixture ``open_shop`` gives: a shop of these products, closed at the end of the test."""
