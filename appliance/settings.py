"""One typed settings object: defaults, then ``appliance.toml`` in the data directory, then ``APPLIANCE_*``, then flags.

Every value remembers where it came from. An unknown key or a wrong value is an error that names the key, its origin
and, where one is close, the key that was probably meant.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from appliance.domain import CURRENCY_PATTERN, interval_of, said_plainly
from appliance.errors import InvalidSetting
from appliance.text import require_host, require_origin, require_time_zone

FILE_NAME = "appliance.toml"
ENV_PREFIX = "APPLIANCE_"
RESERVED_ENV = frozenset({"APPLIANCE_DATA"})
"""Names with the prefix that are not settings: where the data directory is."""
_ENV_ALIASES = {"APPLIANCE_RATE_LIMIT": "server.rate_limit", "APPLIANCE_LOCALE": "shop.locale"}

Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Currency = Annotated[str, msgspec.Meta(pattern=CURRENCY_PATTERN)]
Weight = Annotated[float, msgspec.Meta(ge=-100, le=100)]


class Secret(str):
    """A text that never shows itself in a representation or a log line."""

    def __repr__(self) -> str:
        return "Secret('***')" if self else "Secret('')"


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections: frozen, strict, every field with a default."""


class Shop(_Section, frozen=True, kw_only=True):
    """Who the shop is."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)] = "Cửa hàng"
    """The name that shoppers and the owner see."""
    currency: Currency = "VND"
    """ISO 4217 code of the prices that the shop shows."""
    locale: Literal["vi", "en"] = "vi"
    """Language of texts when the caller names none."""
    timezone: str = "Asia/Ho_Chi_Minh"
    """Time zone of the nightly work (IANA name)."""

    def __post_init__(self) -> None:
        if self.timezone != "Asia/Ho_Chi_Minh":
            require_time_zone(self.timezone)


class Server(_Section, frozen=True, kw_only=True):
    """The HTTP side."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 serves the whole local network."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    """0 lets the system choose a free port."""
    origins: tuple[str, ...] = ()
    """Storefront origins allowed by CORS, exact: ``https://shop.vn``."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names this box answers to besides loopback and its own addresses; guards against DNS rebinding."""
    trusted_proxies: tuple[str, ...] = ()
    """Reverse proxies before this box, as addresses or networks (``127.0.0.1``, ``10.0.0.0/8``): only from these is
    X-Forwarded-For believed. A request that they pass on never counts as one from this machine."""
    rate_limit: Literal["on", "off"] = "on"
    """``off`` is for load tests only; also APPLIANCE_RATE_LIMIT."""
    requests_per_second: Annotated[float, msgspec.Meta(gt=0)] = 50.0
    """Sustained requests a second for one client address; secret keys get ten times as much."""
    request_burst: Positive = 200
    """Requests that one client address may send at once before the sustained rate holds."""
    max_body_bytes: Positive = 1 << 20
    """Largest request body; a larger one is answered 413."""
    max_header_bytes: Positive = 32 * 1024
    """Largest request head; a larger one is answered 431."""
    header_timeout: Seconds = 10.0
    """Seconds in which a request head must have arrived."""
    body_timeout: Seconds = 20.0
    """Seconds in which a request body must have arrived."""
    max_connections: Positive = 512
    """Open connections; more are answered 503."""
    require_publishable_key: bool = False
    """Whether browsers must send a publishable key."""
    log_format: Literal["auto", "human", "json"] = "auto"
    """``auto``: human on a terminal, JSON under a service manager."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least grave level that is logged."""

    def __post_init__(self) -> None:
        require_host(self.host)
        for origin in self.origins:
            require_origin(origin)
        for name in self.allowed_hosts:
            require_host(name)
        for entry in self.trusted_proxies:
            try:
                ipaddress.ip_network(entry, strict=False)
            except ValueError:
                raise ValueError(f"{entry[:100]!r} is no IP address or network, as 127.0.0.1 or 10.0.0.0/8") from None


class Weights(_Section, frozen=True, kw_only=True):
    """How much each kind of interaction says about taste."""

    view: Weight = 1.0
    """Weight of one ``view``."""
    click: Weight = 1.0
    """Weight of one ``click``."""
    wishlist: Weight = 2.0
    """Weight of one ``wishlist``."""
    add_to_cart: Weight = 3.0
    """Weight of one ``add_to_cart``."""
    remove_from_cart: Weight = -1.0
    """Weight of one ``remove_from_cart``."""
    purchase: Weight = 5.0
    """Weight of one ``purchase``."""
    search: Weight = 0.0
    """Weight of one ``search``."""
    impression: Weight = 0.0
    """Weight of one ``impression``."""
    begin_checkout: Weight = 0.0
    """Weight of one ``begin_checkout``."""
    refund: Weight = -5.0
    """Weight of one ``refund``."""


class Ingest(_Section, frozen=True, kw_only=True):
    """How events are taken in."""

    max_pending: Positive = 50_000
    """Events waiting in memory for the disk; more are refused with 503 and Retry-After."""
    max_unmerged: Positive = 5_000_000
    """Journalled events waiting for the log; more are refused with 503 and Retry-After."""
    commit_batch: Positive = 4000
    """Events that one group commit takes at most."""
    merge_batch: Positive = 20_000
    """Events that one merge into the log takes at most."""
    max_past_days: Annotated[float, msgspec.Meta(gt=0)] = 3650.0
    """An older ``occurred_at`` is rejected."""
    max_future_seconds: Annotated[float, msgspec.Meta(ge=0)] = 300.0
    """A later ``occurred_at`` is a wrong clock: the event is kept with the time it was received."""


class Analytics(_Section, frozen=True, kw_only=True):
    """The interaction log (DuckDB)."""

    memory_mb: Positive = 192
    """Memory that DuckDB may use, in MiB."""
    threads: Positive = 2
    """Threads that DuckDB may use."""


class Recommender(_Section, frozen=True, kw_only=True):
    """How recommendations are made."""

    popular_half_life_days: Annotated[float, msgspec.Meta(gt=0)] = 7.0
    """Days after which an interaction counts half towards what is in demand."""
    neighbours: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    """Similar products kept for each product."""
    annoy_from: Positive = 20_000
    """Catalogue size from which Annoy replaces exact search, where it is installed."""
    annoy_trees: Positive = 50
    """Trees of the Annoy index; more find more and cost memory."""
    cache_seconds: Seconds = 300.0
    """How long an answer is kept when nothing changes."""
    diversity: Share = 0.1
    """MMR: 0 ranks by score alone, 1 by difference alone."""
    embedding_model: str = ""
    """Folder of a sentence encoder (``model.onnx`` and ``tokenizer.json``) that adds meaning to the words of products;
    empty uses ``models/embeddings`` of the data directory where there is one."""
    repurchase_days: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Days for which a bought product is not recommended to its buyer; its attribute ``repurchase_days`` goes first."""
    repurchase_by_category: tuple[str, ...] = ()
    """Other intervals for whole categories, as handle and days: ``ca-phe:14``; the shortest that applies counts."""
    exploration_slots: Annotated[int, msgspec.Meta(ge=0, le=5)] = 1
    """Low places of a shelf of eight or more given to new products to learn of them; 0 for none. Never in the cart."""
    exploration_days: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Days for which a product counts as new."""
    exploration_impressions: Annotated[float, msgspec.Meta(gt=0)] = 100.0
    """Showings that were looked at, after which a new product is known and must earn its place."""
    popularity_damping: Share = 0.0
    """How much scores of much-visited products are lowered, from 0 to 1, so that others are seen too."""
    max_visitors: Positive = 100_000
    """Visitors whose recent interactions are kept in memory."""
    retrain_hours: Annotated[float, msgspec.Meta(ge=0)] = 24.0
    """Hours between trainings of the running process; 0 trains only on request."""
    training_memory_mb: Annotated[int, msgspec.Meta(ge=64)] = 4096
    """Memory that a training may use, in MiB; it decides which models a large catalogue can have."""

    def __post_init__(self) -> None:
        for entry in self.repurchase_by_category:
            interval_of(entry)


class Security(_Section, frozen=True, kw_only=True):
    """Keys and callers."""

    trust_loopback: bool = True
    """Whether a plain request from this machine counts as the storefront's server."""
    customer_token_max_seconds: Positive = 3600
    """Longest life of a signed-in shopper's token, in seconds."""


class Cache(_Section, frozen=True, kw_only=True):
    """The cache on disk (diskcache)."""

    size_mb: Positive = 128
    """Largest size of the cache on disk, in MiB."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one appliance."""

    shop: Shop = Shop()
    server: Server = Server()
    weights: Weights = Weights()
    ingest: Ingest = Ingest()
    analytics: Analytics = Analytics()
    recommender: Recommender = Recommender()
    security: Security = Security()
    cache: Cache = Cache()


class Origin(msgspec.Struct, frozen=True):
    """Where a value came from: ``default``, ``file``, ``environment`` or ``flag``, and the name it had there."""

    kind: Literal["default", "file", "environment", "flag"]
    name: str = ""


class LoadedSettings(msgspec.Struct, frozen=True):
    """The settings and the origin of each, keyed ``section.key``."""

    settings: Settings
    origins: dict[str, Origin]


def load_settings(
    data_dir: Path,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    faults: list[InvalidSetting] | None = None,
) -> LoadedSettings:
    """Read the settings of a data directory.

    ``flags`` is keyed ``section.key`` and holds typed values. Raises ``InvalidSetting`` for an unknown or wrong key;
    where ``faults`` is given they go there, and what the wrong value would have replaced stays in force.
    """
    known = dict(_leaves())
    tree: dict[str, dict[str, object]] = {}
    origins = {path: Origin("default") for path in known}

    def put(path: str, value: object, origin: Origin) -> None:
        section, key = path.split(".", 1)
        tree.setdefault(section, {})[key] = _checked(path, value, origin)
        origins[path] = origin

    file = data_dir / FILE_NAME
    sections: dict[str, dict[str, object]] = {}
    with _noting(faults):
        sections = read_sections(file)
    for path, value in ((f"{name}.{key}", value) for name, keys in sections.items() for key, value in keys.items()):
        with _noting(faults):
            _require_known(path, known, f"in {file}")
            put(path, value, Origin("file", str(file)))
    by_name = {env_name(path): path for path in known} | _ENV_ALIASES
    for name, text in sorted((os.environ if environ is None else environ).items()):
        if not name.startswith(ENV_PREFIX) or name in RESERVED_ENV:
            continue
        with _noting(faults):
            _require_known(name, by_name, "in the environment")
            put(by_name[name], _from_text(known[by_name[name]], text), Origin("environment", name))
    for path, value in (flags or {}).items():
        with _noting(faults):
            _require_known(path, known, "on the command line")
            put(path, value, Origin("flag", f"--{path.rsplit('.', 1)[1].replace('_', '-')}"))
    return LoadedSettings(msgspec.convert(tree, Settings), origins)


def env_name(path: str) -> str:
    """Return the environment variable of a setting: ``server.port`` is ``APPLIANCE_SERVER_PORT``."""
    return ENV_PREFIX + path.replace(".", "_").upper()


def flatten(settings: Settings) -> Iterator[tuple[str, object]]:
    """Yield every setting as (``section.key``, value) in declaration order."""
    for path in dict(_leaves()):
        section, key = path.split(".", 1)
        yield path, getattr(getattr(settings, section), key)


def parse_value(path: str, text: str) -> object:
    """Read a value that a person typed for a setting; raises ``InvalidSetting``."""
    known = dict(_leaves())
    _require_known(path, known, "as a setting")
    return _checked(path, _from_text(known[path], text), Origin("flag", path))


def checked_values(values: Mapping[str, object], file: Path) -> dict[str, object]:
    """Return values as the settings have them; raises one ``InvalidSetting`` that names every fault among them."""
    known = dict(_leaves())
    checked: dict[str, object] = {}
    faults: list[InvalidSetting] = []
    for path, value in values.items():
        with _noting(faults):
            _require_known(path, known, "as a setting")
            checked[path] = _checked(path, value, Origin("file", str(file)))
    if faults:
        fields = tuple(field for fault in faults for field in fault.fields)
        raise InvalidSetting(" ".join(fault.message for fault in faults), hint=faults[0].hint, fields=fields)
    return checked


def read_sections(file: Path) -> dict[str, dict[str, object]]:
    """Read the settings that a file holds, unjudged; raises ``InvalidSetting`` where it is no TOML of sections."""
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{file} is not valid TOML: {error}", hint="Correct the line or remove it.") from None
    for section, values in tree.items():
        if not isinstance(values, dict):
            raise InvalidSetting(
                f"{section} in {file} must stand in a section", hint="Write it as [section] and key = value."
            )
    return tree


@contextmanager
def _noting(faults: list[InvalidSetting] | None) -> Iterator[None]:
    try:
        yield
    except InvalidSetting as error:
        if faults is None:
            raise
        faults.append(error)


_SECTIONS = {section.name: section.type for section in msgspec.structs.fields(Settings)}


def _leaves() -> Iterator[tuple[str, Any]]:
    for section in msgspec.structs.fields(Settings):
        hints = get_type_hints(section.type, include_extras=True)
        for field in msgspec.structs.fields(section.type):
            yield f"{section.name}.{field.name}", hints[field.name]


def _require_known(name: str, known: Mapping[str, object], where: str) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}?" if near else "`appliance settings show` lists the settings."
    raise InvalidSetting(f"Unknown setting {name} {where}.", hint=hint, fields=((name, "unknown setting"),))


def _checked(path: str, value: object, origin: Origin) -> object:
    section, key = path.split(".", 1)
    try:
        return getattr(msgspec.convert({key: value}, _SECTIONS[section], strict=origin.kind != "environment"), key)
    except msgspec.ValidationError as error:
        place = f" ({origin.name})" if origin.name else ""
        reason = said_plainly(str(error).partition(" - at ")[0])
        raise InvalidSetting(
            f"Setting {path}{place} has a wrong value {value!r}: {reason}.",
            hint=f"`appliance settings show` gives the meaning of {path}.",
            fields=((path, reason),),
        ) from None


def _from_text(kind: Any, text: str) -> object:
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(base) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if base is bool:
        return {
            "1": True,
            "true": True,
            "on": True,
            "yes": True,
            "0": False,
            "false": False,
            "off": False,
            "no": False,
        }.get(text.strip().lower(), text)
    if base in (int, float):
        try:
            return base(text)
        except ValueError:
            return text
    if get_origin(base) in (Union, types.UnionType) and text == "":
        return None
    return text
