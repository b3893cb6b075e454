"""A small real shop for the recommender's tests: SQLite catalogue, exported snapshot, trained and published model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from appliance.domain import Interaction, InteractionType, Product, Rule, Variant
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.recsys.base import ModelInfo, Recommendation
from appliance.recsys.service import RecommendationService
from appliance.recsys.training import train
from appliance.settings import Recommender, Settings
from appliance.store.artifacts import ArtifactStore
from appliance.store.catalogue import Catalogue
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.ownership import visitor_name
from appliance.store.snapshot import InteractionArrays
from appliance.store.sqlite import SqliteStore

NOW = 1_760_000_000.0
DAY = 86_400.0
WEIGHTS = {"view": 1.0, "click": 1.0, "add_to_cart": 3.0, "purchase": 5.0, "remove_from_cart": -1.0}
_TYPES = list(InteractionType)


def product(
    name: str, title: str, category: str, *, price: int = 500_000, stock: int | None = 5, **more: object
) -> Product:
    """Return a product with one variant."""
    fields: dict[str, object] = {"created_at": NOW - 50 * DAY, **more}
    return Product(
        id=name,
        handle=name,
        title=title,
        categories=(category,),
        variants=(Variant(id=f"{name}-v", price=price, stock=stock),),
        **fields,  # type: ignore[arg-type]
    )


def leather_and_shoes() -> list[Product]:
    """Return a shop of leather backpacks, canvas backpacks, handbags and shoes, ten of each."""
    colours = ("đen", "nâu", "đỏ", "be", "xám", "xanh", "trắng", "vàng", "tím", "hồng")
    kinds = (
        ("balo-da", "Balo da bò", "Leather backpack", "Túi > Balo", ("balo", "da"), {"material": "da bò"}),
        ("balo-vai", "Balo vải canvas", "Canvas backpack", "Túi > Balo", ("balo", "vải"), {"material": "canvas"}),
        ("tui-da", "Túi xách da", "Leather handbag", "Túi > Túi xách", ("túi", "da"), {"material": "da bò"}),
        ("giay", "Giày thể thao", "Sneakers", "Giày > Giày thể thao", ("giày",), {"material": "lưới"}),
    )
    return [
        product(
            f"{kind}-{number}",
            f"{vi} {colour}",
            category,
            price=400_000 + 50_000 * number,
            title_en=en,
            tags=(*tags, colour),
            attributes=facts,
            created_at=NOW - (100 - number) * DAY,
        )
        for kind, vi, en, category, tags, facts in kinds
        for number, colour in enumerate(colours)
    ]


def event(
    session: str, product_id: str, kind: str = "view", *, at: float = NOW, user: str = "", weight: float | None = None
) -> Interaction:
    """Return one interaction."""
    return Interaction(
        event_id=f"{session}-{user}-{product_id}-{kind}-{at}",
        user_id=user,
        session_id=session,
        product_id=product_id,
        product_handle="",
        interaction_type=kind,
        weight=WEIGHTS.get(kind, 0.0) if weight is None else weight,
        occurred_at=at,
        received_at=at,
    )


def write_snapshot(
    folder: Path, products: Iterable[Product], interactions: Sequence[Interaction], revision: int = -1
) -> Path:
    """Export products and interactions as the training job does."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [msgspec.json.encode(item) for item in products]
    (folder / "products.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    if revision >= 0:
        (folder / "snapshot.json").write_bytes(msgspec.json.encode({"revision": revision, "products": len(lines)}))
    visitors: dict[str, int] = {}
    sessions: dict[str, int] = {}
    ids: dict[str, int] = {}
    rows = [
        (
            visitors.setdefault(name, len(visitors)) if (name := visitor_name(item.user_id, item.session_id)) else -1,
            sessions.setdefault(item.session_id, len(sessions)) if item.session_id else -1,
            ids.setdefault(item.product_id, len(ids)),
            _TYPES.index(InteractionType(item.interaction_type)),
            item.weight,
            item.occurred_at,
        )
        for item in sorted(interactions, key=lambda item: item.occurred_at)
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    InteractionArrays(
        visitor=np.array(columns[0], np.int32),
        session=np.array(columns[1], np.int32),
        product=np.array(columns[2], np.int32),
        type=np.array(columns[3], np.int8),
        weight=np.array(columns[4], np.float32),
        occurred_at=np.array(columns[5], np.float64),
        visitors=list(visitors),
        sessions=list(sessions),
        product_ids=list(ids),
    ).save(folder / "interactions.npz")
    return folder


def history(seed: int = 0, sessions: int = 120) -> list[Interaction]:
    """Return visits in which people stay with one kind of product; half of the visitors are customers."""
    random = np.random.default_rng(seed)
    kinds = ("balo-da", "balo-vai", "tui-da", "giay")
    events = []
    for number in range(sessions):
        kind = kinds[number % 4]
        user = f"u{number % 15}" if number % 2 else ""
        start = NOW - random.uniform(0, 20) * DAY
        for step, item in enumerate(random.choice(10, 4, replace=False).tolist()):
            name = f"{kind}-{item}"
            events.append(event(f"s{number}", name, at=start + step, user=user))
            if step >= 2:
                events.append(event(f"s{number}", name, "purchase", at=start + 60 + step, user=user))
    return events


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class TestShop:
    """A catalogue with its recommender; rules are a plain list that a test may change."""

    __test__ = False

    def __init__(self, folder: Path, products: Sequence[Product], settings: Recommender | None = None) -> None:
        self.folder = folder
        self.clock = Clock()
        self.rules: list[Rule] = []
        self.issues = IssueBoard(self.clock)
        self.settings = Settings(recommender=settings or Recommender())
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.catalogue = Catalogue(self.store, now=self.clock)
        if products:
            self.catalogue.upsert(products)
        self.artifacts = ArtifactStore(folder / "models", now=self.clock)
        self.service = RecommendationService(
            self.catalogue, lambda: self.rules, self.settings, Metrics(), self.issues, self.clock
        )
        self.catalogue.subscribe(self.service.apply)

    def train(self, interactions: Sequence[Interaction] = (), *, load: bool = True) -> ModelInfo:
        """Train on the catalogue as it is, publish, and load."""
        snapshot = write_snapshot(
            self.folder / "snapshot", self.catalogue.iter_products(), interactions, self.catalogue.revision
        )
        scratch = self.artifacts.begin("recommender")
        info = train(snapshot, scratch, settings=self.settings.recommender, now=self.clock)
        self.artifacts.publish("recommender", scratch, msgspec.to_builtins(info))
        if load:
            self.service.load(self.artifacts.candidates("recommender")[0])
        return info

    def close(self) -> None:
        """Stop background work and close the store."""
        self.service.close()
        self.store.close()


def ids(answer: Recommendation) -> list[str]:
    """Return the product ids of an answer in order."""
    return [item.product_id for item in answer.items]


ShopMaker = Callable[..., TestShop]
"""What the fixture ``make_shop`` gives: products and settings to an open shop."""
