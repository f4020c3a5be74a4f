"""What must hold between settings. Each failure is a sentence at start, before the first request can meet it."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

RATE = re.compile(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)")  # what REST framework reads
RUNTIMES = {"auto": "", "torch": "torch", "openvino": "openvino", "onnxruntime": "onnxruntime"}


@register(Tags.security)
def production_mode(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.MODE not in ("development", "production"):
        found.append(
            Error(f"VETRINA_MODE is {settings.MODE!r}; it is either development or production.", id="vetrina.E001")
        )
    if not settings.PRODUCTION:
        return found
    if len(settings.SECRET_KEY) < 50:
        found.append(Error("Production mode needs SECRET_KEY, at least 50 random characters.", id="vetrina.E002"))
    if settings.DEBUG:
        found.append(Error("DEBUG shows secrets to visitors; production mode refuses it.", id="vetrina.E003"))
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(Error("Production mode needs ALLOWED_HOSTS, the shop's own host names.", id="vetrina.E004"))
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append(
            Warning("SQLite serves one machine; set DATABASE_URL to PostgreSQL for more than one.", id="vetrina.W001")
        )
    if settings.CACHES["default"]["BACKEND"].endswith("LocMemCache"):
        found.append(
            Warning("Rate limits are counted per process; set CACHE_URL to a Redis server.", id="vetrina.W002")
        )
    return found


@register(Tags.compatibility)
def vector_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    options, found = settings.QDRANT_COLLECTION_OPTIONS, list[CheckMessage]()
    kind, read = options["quantization"], settings.QDRANT_READ_CONSISTENCY
    if kind not in ("", "scalar", "binary"):
        found.append(Error(f"QDRANT_QUANTIZATION is {kind!r}; it is scalar, binary or empty.", id="vetrina.E013"))
    if not re.fullmatch(r"|[1-9][0-9]*|majority|quorum|all", read):
        found.append(
            Error(
                f"QDRANT_READ_CONSISTENCY is {read!r}; it is a number, majority, quorum, all or empty.",
                id="vetrina.E014",
            )
        )
    if options["write_consistency_factor"] > options["replication_factor"]:
        text = "QDRANT_WRITE_CONSISTENCY is more than QDRANT_REPLICAS, so no write could succeed."
        found.append(Error(text, id="vetrina.E015"))
    breaker = settings.QDRANT_BREAKER
    if (
        breaker["failures"] < 0
        or breaker["window"] <= 0
        or breaker["rest"] <= 0
        or settings.QDRANT_SHOPPER_SECONDS <= 0
    ):
        text = "QDRANT_SHOPPER_SECONDS and the times of QDRANT_BREAKER_… are above 0, and its failures not below."
        found.append(Error(text, id="vetrina.E016"))
    return found


@register(Tags.compatibility)
def vector_store(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    url = settings.QDRANT_URL
    if not url:
        if settings.QDRANT_API_KEY:
            return [Error("QDRANT_API_KEY is set without QDRANT_URL, so nobody would ask for it.", id="vetrina.E010")]
        if find_spec("qdrant_edge") is None:
            return [Error("QDRANT_URL is empty and qdrant-edge-py is not installed: set one up.", id="vetrina.E011")]
        return []
    if not url.startswith(("http://", "https://")):
        return [Error(f"QDRANT_URL is {url!r}; it starts with http:// or https://.", id="vetrina.E012")]
    if settings.QDRANT_API_KEY and url.startswith("http://") and settings.PRODUCTION:
        return [Warning("QDRANT_API_KEY travels unencrypted; use https:// or a private network.", id="vetrina.W010")]
    return []


@register(Tags.compatibility)
def encoders(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    runtime = settings.ENCODER_RUNTIME
    if runtime not in RUNTIMES:
        found.append(Error(f"ENCODER_RUNTIME is {runtime!r}; it is one of {', '.join(RUNTIMES)}.", id="vetrina.E020"))
    elif RUNTIMES[runtime] and find_spec(RUNTIMES[runtime]) is None:
        found.append(
            Error(f"ENCODER_RUNTIME is {runtime}, which is not installed: pip install -e '.[cpu]'.", id="vetrina.E021")
        )
    device = settings.ENCODER_DEVICE
    if device not in ("auto", "cpu", "cuda") and not (device.startswith("cuda:") and device[5:].isdigit()):
        found.append(Error(f"ENCODER_DEVICE is {device!r}; it is auto, cpu, cuda or cuda:N.", id="vetrina.E022"))
    if device.startswith("cuda") and runtime in ("openvino", "onnxruntime"):
        found.append(
            Error(f"ENCODER_RUNTIME={runtime} runs on CPU; ENCODER_DEVICE asks for {device}.", id="vetrina.E023")
        )
    found += _least("vetrina.E024", ENCODER_BATCH=1)
    for name in ("TEXT_ENCODER", "IMAGE_ENCODER"):
        value = getattr(settings, name)
        if value.startswith(("/", "./", "~")) and not Path(value).expanduser().exists():
            found.append(Error(f"{name} names the path {value}, which does not exist.", id="vetrina.E025"))
    return found


@register(Tags.compatibility)
def outbox(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    names = (
        "OUTBOX_SWEEP_SECONDS", "OUTBOX_BATCH", "OUTBOX_LEASE_SECONDS", "OUTBOX_MAX_ATTEMPTS", "OUTBOX_LATE_SECONDS",
    )  # fmt: skip
    found = _least("vetrina.E030", **dict.fromkeys(names, 1))
    if settings.OUTBOX_LEASE_SECONDS <= settings.OUTBOX_SWEEP_SECONDS:
        found.append(Error("OUTBOX_LEASE_SECONDS must be longer than OUTBOX_SWEEP_SECONDS.", id="vetrina.E031"))
    return found


@register(Tags.compatibility)
def training(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    from recommend.models.registry import MODELS

    found: list[CheckMessage] = []
    name = settings.RECOMMENDER["name"]
    if name not in MODELS:
        found.append(Error(f"RECOMMENDER is {name!r}; it is one of {', '.join(sorted(MODELS))}.", id="vetrina.E040"))
    if not isinstance(settings.RECOMMENDER["config"], dict):
        found.append(Error("RECOMMENDER_CONFIG is a JSON object, {} for the defaults.", id="vetrina.E041"))
    if not 0 < settings.TRAIN_HELD_OUT < 1:
        found.append(Error("TRAIN_HELD_OUT is a share above 0 and below 1.", id="vetrina.E042"))
    found += _least("vetrina.E043", MODELS_KEPT=1, TRAIN_LEASE_SECONDS=1, TRAIN_RECENT_DAYS=0)
    if settings.TRAIN_EVERY_HOURS < 0:
        found.append(Error("TRAIN_EVERY_HOURS is 0 (only by hand) or more.", id="vetrina.E044"))
    return found


@register(Tags.compatibility)
def sponsored(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found = _shares("vetrina.E060", "SPONSORED_FLOOR", "SPONSORED_EXPECTED_CLICK_RATE")
    found += _least(
        "vetrina.E064", SPONSORED_PLACES=0, SPONSORED_PER_STORE=1, SPONSORED_CHARGEABLE_SECONDS=1,
        SPONSORED_RETENTION_DAYS=0,
    )  # fmt: skip
    if settings.SPONSORED_RESERVE < 0:
        found.append(Error("SPONSORED_RESERVE is a price, and not negative.", id="vetrina.E061"))
    kept = settings.SPONSORED_RETENTION_DAYS * 86_400
    if kept and kept <= settings.SPONSORED_CHARGEABLE_SECONDS:
        found.append(
            Error("SPONSORED_RETENTION_DAYS must be longer than SPONSORED_CHARGEABLE_SECONDS.", id="vetrina.E062")
        )
    return found + _rate("vetrina.E063", "SPONSORED_CLICK_RATE", settings.SPONSORED_CLICK_RATE)


@register(Tags.compatibility)
def recommending(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        *_least(
            "vetrina.E070", RECOMMEND_LOG_DAYS=1, RECOMMEND_TABLES_SECONDS=1, RECOMMEND_NEW_DAYS=1,
            RECOMMEND_BRAND_CAP=1, RECOMMEND_STORE_CAP=1, SEARCH_PERSONAL_MAX_MOVE=0,
        ),
        *_shares("vetrina.E071", "RECOMMEND_RELEVANCE", "SEARCH_PERSONAL_WEIGHT"),
        *_importable("vetrina.E072", "SEARCH_RERANKER", "SEARCH_SHOPPER", "SHOP_CHECKOUT"),
    ]  # fmt: skip


@register(Tags.compatibility)
def events(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found = _least(
        "vetrina.E050", EVENTS_PER_MINUTE=1, EVENT_MAX_AGE_DAYS=1, EVENT_MAX_AHEAD_SECONDS=0, EVENT_RETENTION_DAYS=0
    )
    # Else an event would be taken, and be gone an hour later.
    if 0 < settings.EVENT_RETENTION_DAYS < settings.EVENT_MAX_AGE_DAYS:
        found.append(Error("EVENT_RETENTION_DAYS is 0 (for ever), or at least EVENT_MAX_AGE_DAYS.", id="vetrina.E051"))
    return found


@register(Tags.compatibility)
def serving(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        *_least(
            "vetrina.E080", QDRANT_TIMEOUT=1, INDEX_RETIRED_SECONDS=0, PICTURE_MAX_BYTES=1, PICTURE_MAX_PIXELS=1,
            PICTURE_FETCH_TIMEOUT=1, SEARCH_PAGE_SIZE=1, PROXIES=0, SEARCH_CONCURRENCY=0, SEARCH_WAIT_SECONDS=0,
            RECOMMEND_CONCURRENCY=0,
        ),
        *_rate("vetrina.E081", "API_RATE_ANONYMOUS", settings.API_RATE_ANONYMOUS),
        *_rate("vetrina.E081", "API_RATE_KEY", settings.API_RATE_KEY),
        *_rate("vetrina.E081", "API_RATE_ADDRESS", settings.API_RATE_ADDRESS),
    ]  # fmt: skip


@register(Tags.compatibility)
def staff(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found = _least(
        "vetrina.E100",
        API_KEY_DAYS=0,
        API_KEY_GRACE_HOURS=0,
        API_KEY_EXPIRING_DAYS=0,
        API_KEY_UNUSED_DAYS=1,
        AUDIT_DAYS=0,
    )
    if settings.STAFF_SECOND_FACTOR not in ("optional", "required"):
        found.append(Error("STAFF_SECOND_FACTOR is optional or required.", id="vetrina.E101"))
    if settings.AUDIT_ADDRESSES not in ("full", "network", "none"):
        found.append(Error("AUDIT_ADDRESSES is full, network or none.", id="vetrina.E102"))
    return found


@register(Tags.compatibility)
def watching(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    from vetrina.monitoring.tracing import PACKAGES

    found: list[CheckMessage] = []
    if settings.LOG_FORMAT not in ("json", "plain"):
        found.append(Error(f"LOG_FORMAT is {settings.LOG_FORMAT!r}; it is json or plain.", id="vetrina.E090"))
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < 16:
        found.append(Error("METRICS_TOKEN can be guessed; it has at least 16 characters.", id="vetrina.E091"))
    if settings.TRACING and not all(_installed(name) for name in PACKAGES):
        found.append(Error("TRACING needs what is not installed: pip install -e '.[otel]'.", id="vetrina.E092"))
    return found


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # of what it lies in
        return False


def _least(identifier: str, **least: int) -> list[CheckMessage]:
    return [
        Error(f"{name} is {getattr(settings, name)}; it is at least {number}.", id=identifier)
        for name, number in least.items()
        if getattr(settings, name) < number
    ]


def _shares(identifier: str, *names: str) -> list[CheckMessage]:
    return [
        Error(f"{name} is {getattr(settings, name)}; it is between 0 and 1.", id=identifier)
        for name in names
        if not 0 <= getattr(settings, name) <= 1
    ]


def _rate(identifier: str, name: str, value: str) -> list[CheckMessage]:
    return [] if RATE.fullmatch(value) else [Error(f"{name} is {value!r}; write it as 20/min.", id=identifier)]


def _importable(identifier: str, *names: str) -> list[CheckMessage]:
    """Settings that name a function by its dotted path, or nothing."""
    found: list[CheckMessage] = []
    for name in names:
        path = getattr(settings, name)
        try:
            if path and not callable(import_string(path)):
                found.append(Error(f"{name} is {path!r}, which is no function.", id=identifier))
        except ImportError as error:
            found.append(Error(f"{name} is {path!r}, which cannot be imported: {error}.", id=identifier))
    return found


def fail_on_errors() -> None:
    """Raise ImproperlyConfigured with every error found. For entry points that run no checks of their own (WSGI)."""
    from django.core.checks import run_checks

    errors = [message for message in run_checks() if message.is_serious()]
    if errors:
        raise ImproperlyConfigured("\n".join(str(message) for message in errors))
