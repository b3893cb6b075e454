"""Products of the demo shop, made from word lists: the same seed gives the same shop.

A product is a point in (form, model, detail) of its kind; the points are drawn without replacement, so titles and
handles are unique. Above the number of points a model gets a number (``Sa Pa 2``), which is how the benchmark
catalogue grows to tens of thousands of products.
"""

from __future__ import annotations

import math
import random
import re
import unicodedata
from collections.abc import Iterator

from appliance.domain import Product, Variant
from appliance.ops.demo.words import Form, Kind, Words, kinds, words
from appliance.text import fold, slug

DAY = 86_400.0
_OLDEST_DAYS, _NEW_DAYS = 540.0, 40.0
_SOLD_OUT, _NEW, _ROUND_PRICE = 0.06, 0.1, 0.15
_TIER_FACTOR = (0.8, 1.0, 1.3)
_MARKS = re.compile("[\u0300-\u036f]")


def generate_products(seed: int, now: float, count: int = 300) -> list[Product]:
    """Return the demo shop's products, ``created_at`` spread over the year and a half before ``now``."""
    return list(_products(count, random.Random(f"demo-{seed}"), now))


def scale_products(n: int, seed: int = 7, now: float = 1_760_000_000.0) -> list[Product]:
    """Return ``n`` products for benchmarks: the same templates, unique ids, handles and titles."""
    return list(_products(n, random.Random(f"scale-{seed}"), now))


def _products(count: int, rng: random.Random, now: float) -> Iterator[Product]:
    shared = words()
    plan = [(kind, point) for kind, number in _shares(count) for point in _points(kind, number, rng)]
    rng.shuffle(plan)
    handles: set[str] = set()
    for index, (kind, point) in enumerate(plan):
        product = _Draft(kind, point, shared, rng).build(index + 1, now)
        if product.handle in handles:
            raise AssertionError(f"two demo products share the handle {product.handle}")
        handles.add(product.handle)
        yield product


def _shares(count: int) -> list[tuple[Kind, int]]:
    """Split ``count`` over the kinds in proportion, by largest remainder."""
    every = list(kinds().kinds.values())
    total = sum(kind.share for kind in every)
    exact = [count * kind.share / total for kind in every]
    numbers = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(every)), key=lambda i: numbers[i] - exact[i])
    for index in by_remainder[: count - sum(numbers)]:
        numbers[index] += 1
    return list(zip(every, numbers, strict=True))


def _points(kind: Kind, number: int, rng: random.Random) -> list[tuple[Form, str, tuple[str, str]]]:
    models = words().models
    space = [
        (form, model, detail) for form in kind.forms for model in models for detail in form.details or kind.details
    ]
    points: list[tuple[Form, str, tuple[str, str]]] = []
    edition = 1
    while len(points) < number:
        wanted = min(number - len(points), len(space))
        suffix = "" if edition == 1 else f" {edition}"
        points += [(form, model + suffix, detail) for form, model, detail in rng.sample(space, wanted)]
        edition += 1
    return points


class _Draft:
    """One product in the making: the choices that its texts, variants and price share."""

    def __init__(self, kind: Kind, point: tuple[Form, str, tuple[str, str]], shared: Words, rng: random.Random) -> None:
        self._kind, self._words, self._rng = kind, shared, rng
        self._form, self._model, (self._detail, self._detail_en) = point
        self._style = rng.choice(self._form.styles)
        self._brand = rng.choice(self._makers())
        self._material = shared.materials[rng.choice(self._form.materials or kind.materials)]
        self._occasion = rng.choice(kind.occasions)
        self._title = " ".join(part for part in (self._form.vi, self._model, self._detail) if part)
        self._title_en = " ".join(part for part in (_plain(self._model), self._detail_en, self._form.en) if part)

    def build(self, number: int, now: float) -> Product:
        """Return the finished product with the running ``number`` in its ids."""
        rng = self._rng
        handle = slug(self._title)
        age = rng.uniform(1.0, _NEW_DAYS) if rng.random() < _NEW else rng.uniform(_NEW_DAYS, _OLDEST_DAYS)
        return Product(
            id=f"prod_{number:05d}",
            handle=handle,
            title=self._title,
            title_en=self._title_en[0].upper() + self._title_en[1:],
            description=self._description(),
            categories=(self._kind.category,),
            tags=self._tags(is_new=age < _NEW_DAYS),
            collection=self._words.collections.get(self._occasion, ""),
            attributes=self._attributes(),
            currency="VND",
            variants=tuple(self._variants(number)),
            thumbnail=f"/demo/img/{handle}.svg",
            created_at=now - age * DAY,
        )

    def _makers(self) -> list[str]:
        """Return the brands that make this style for whom the form is for."""
        fits = (self._form.gender, "")
        brands = self._words.brands.items()
        return [name for name, brand in brands if self._style in brand.styles and brand.gender in fits]

    def _attributes(self) -> dict[str, str]:
        return {
            "brand": self._brand,
            "material": self._material.vi,
            "gender": self._form.gender,
            "style": self._style,
            "occasion": self._occasion,
            "margin": f"{self._rng.uniform(0.28, 0.62):.2f}",
        }

    def _tags(self, *, is_new: bool) -> tuple[str, ...]:
        tags = [*self._kind.tags, self._style, self._occasion, self._material.vi]
        tags += [self._form.gender] if self._form.gender != "unisex" else ["nam", "nữ"]
        tags += ["hàng mới"] if is_new else []
        return tuple(dict.fromkeys(tags))

    def _description(self) -> str:
        rng, kind = self._rng, self._kind
        name = f"{self._form.vi.lower()} {self._model}"
        (first, first_en), (second, second_en) = rng.sample(kind.features, 2)
        opening = rng.choice(kind.openings).format(name=name)
        occasion_en = self._words.occasions[self._occasion].en
        vietnamese = " ".join((opening[0].upper() + opening[1:], rng.choice(self._material.lines), first, second))
        closing = f"Phong cách {self._style}, hợp để {self._occasion}."
        if self._occasion == "hằng ngày":
            closing = f"Phong cách {self._style}, dùng {self._occasion} đều đẹp."
        style_en = self._words.styles[self._style].en
        article = "An" if style_en[0] in "aeiou" else "A"
        english = (
            f"{article} {style_en} choice for {occasion_en}: {_plain(self._model)} {self._form.en} "
            f"in {self._material.en}, with {first_en} and {second_en}."
        )
        return f"{vietnamese} {closing}\n\n{english}"

    def _price(self) -> int:
        """Draw a price in thousand đồng as people write them: mostly x9, above a million x90."""
        low, high = self._kind.price
        tier = _TIER_FACTOR[self._words.brands[self._brand].tier]
        position = min(max(self._rng.betavariate(2.0, 3.2) * tier * math.pow(self._material.factor, 0.7), 0.0), 1.0)
        raw = low * math.pow(high / low, position)
        if self._rng.random() < _ROUND_PRICE and raw > 100:
            return round(raw / 50) * 50
        if raw >= 1000:
            return max(round(raw / 100) * 100 - 10, 990)
        return max(round(raw / 10) * 10 - 1, 29)

    def _variants(self, number: int) -> Iterator[Variant]:
        rng = self._rng
        palette = self._words.styles[self._style].colours
        colours = [""] if self._kind.plain else rng.sample(palette, rng.choice((1, 2, 2, 3, 4)))
        sizes = self._sizes()
        price = self._price()
        sold_out = rng.random() < _SOLD_OUT
        pairs = [(colour, size) for colour in colours for size in sizes or ("",)]
        for position, (colour, size) in enumerate(pairs, start=1):
            # A larger suitcase or bottle costs more; a larger shoe does not.
            step = sizes.index(size) if self._kind.sizes in ("suitcase", "bottle") else 0
            yield Variant(
                id=f"var_{number:05d}_{position:02d}",
                title=" / ".join(part for part in (colour, size) if part),
                sku=f"DM{number:05d}-{position:02d}",
                size=size,
                color=colour,
                price=(price + step * max(round(price * 0.025) * 10, 10)) * 1000,
                stock=0 if sold_out else self._stock(),
            )

    def _sizes(self) -> tuple[str, ...]:
        scales = kinds().sizes
        by_gender = {"nam": "men", "nữ": "women"}
        scale = by_gender.get(self._form.gender, "unisex") if self._kind.sizes == "unisex" else self._kind.sizes
        return scales[scale]

    def _stock(self) -> int:
        chance = self._rng.random()
        if chance < 0.1:
            return 0
        return self._rng.randint(1, 4) if chance < 0.3 else self._rng.randint(5, 40)


def _plain(text: str) -> str:
    """Return a Vietnamese name as English text writes it: without marks, capitals kept."""
    bare = _MARKS.sub("", unicodedata.normalize("NFD", text)).replace("Đ", "D").replace("đ", "d")
    return bare if bare.isascii() else fold(bare)
