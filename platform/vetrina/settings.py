"""All settings, read from the environment; docs/settings.md lists each of them in a table.

Those of the web server's processes (WEB_…) are read by `vetrina.gunicorn` and `vetrina.web_worker`, before there are
any. Long ones that read nothing of the environment are imported from modules of their own.

Contradictions between settings are reported at start by the system checks in `vetrina.checks`.
"""

import sys
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.urls import reverse_lazy

from vetrina import connections
from vetrina.installed import INSTALLED_APPS as INSTALLED_APPS
from vetrina.installed import MIDDLEWARE as MIDDLEWARE
from vetrina.installed import TEMPLATES as TEMPLATES
from vetrina.openapi import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from vetrina.theme import UNFOLD as UNFOLD
from vetrina.timetable import timetable

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.FileAwareEnv()  # a secret may lie in a file that NAME_FILE names
env.read_env(BASE_DIR / ".env")

# Mode -----------------------------------------------------------------------------------------------------------
# "development" runs with no preparation; "production" refuses to start on anything insecure (vetrina.checks).
MODE = env.str("VETRINA_MODE", "development")
PRODUCTION = MODE == "production"
TESTING = "pytest" in sys.modules

# Everything that Vetrina writes on a single machine lives below this folder.
HOME = Path(env.str("VETRINA_HOME", str(BASE_DIR / "var"))).resolve()
HOME.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str(
    "SECRET_KEY", "unset" if PRODUCTION else "development-only-key-never-used-in-production-0123456789"
)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # what they signed stays valid, nothing is signed
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Several shops in one installation, told apart by the host of a request; see docs/shops.md.
MULTI_SHOP: bool = env.bool("MULTI_SHOP", False)

# Applications ---------------------------------------------------------------------------------------------------
ROOT_URLCONF = "vetrina.urls"
WSGI_APPLICATION = "vetrina.wsgi.application"

# Database -------------------------------------------------------------------------------------------------------
DATABASES = {
    "default": connections.database(
        env.db("DATABASE_URL", f"sqlite:///{HOME / 'vetrina.sqlite3'}"),
        # Web processes set it (vetrina.wsgi).
        patience=env.float("DATABASE_PATIENCE_SECONDS", 0),
        # SQLite reads the whole schema for each new connection, and begins with an empty page cache.
        max_age=env.int("DATABASE_CONN_MAX_AGE", 60),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHE_SECONDS = env.float("CACHE_TIMEOUT_SECONDS", 0.5)
CACHES = {"default": connections.cache(env.cache("CACHE_URL", "locmemcache://"), seconds=CACHE_SECONDS)}

# Vectors --------------------------------------------------------------------------------------------------------
# Empty: vectord, the embedded engine, is started on demand and keeps its data in HOME/vectord.
QDRANT_URL = env.str("QDRANT_URL", "")
QDRANT_API_KEY = env.str("QDRANT_API_KEY", "")
QDRANT_TIMEOUT = env.int("QDRANT_TIMEOUT", 30)  # seconds
# All that one request of a shopper may take of a remote store, seconds; then the database answers as well as it can.
QDRANT_SHOPPER_SECONDS = env.float("QDRANT_SHOPPER_SECONDS", 4)
# After so many failures in a row within `window` seconds a process does not ask for `rest` seconds. 0: it always asks.
QDRANT_BREAKER = {
    "failures": env.int("QDRANT_BREAKER_FAILURES", 3),
    "window": env.float("QDRANT_BREAKER_WINDOW_SECONDS", 30),
    "rest": env.float("QDRANT_BREAKER_REST_SECONDS", 5),
}
QDRANT_ALIAS = env.str("QDRANT_ALIAS", "products")
QDRANT_COLLECTION_OPTIONS = {
    "shard_number": env.int("QDRANT_SHARDS", 1),
    "replication_factor": env.int("QDRANT_REPLICAS", 1),
    "write_consistency_factor": env.int("QDRANT_WRITE_CONSISTENCY", 1),
    "on_disk": env.bool("QDRANT_ON_DISK", False),
    "hnsw_m": env.int("QDRANT_HNSW_M", 16),
    "hnsw_ef_construct": env.int("QDRANT_HNSW_EF_CONSTRUCT", 100),
    "hnsw_on_disk": env.bool("QDRANT_HNSW_ON_DISK", False),
    "quantization": env.str("QDRANT_QUANTIZATION", ""),  # "", scalar, binary
}
# Copies that a read asks: a number, majority, quorum or all. Empty: one.
QDRANT_READ_CONSISTENCY = env.str("QDRANT_READ_CONSISTENCY", "")
VECTORD_DIR = HOME / "vectord"
# A collection that was replaced is kept this long, for processes that still ask it.
INDEX_RETIRED_SECONDS = env.int("INDEX_RETIRED_SECONDS", 600)

# Recommendations ------------------------------------------------------------------------------------------------
QDRANT_BEHAVIOUR_ALIAS = env.str("QDRANT_BEHAVIOUR_ALIAS", "behaviour")
# Modules that are told of products that were indexed and of points that were deleted; see search.index.companions.
INDEX_COMPANIONS = ["recommend.training.companion"]
# The model that is trained, by its name in recommend.models.registry, and its settings.
RECOMMENDER = {"name": env.str("RECOMMENDER", "blend"), "config": env.json("RECOMMENDER_CONFIG", {})}
MODELS_DIR = Path(env.str("MODELS_DIR", str(HOME / "recommenders")))  # trained models; all processes must reach it
MODELS_KEPT = env.int("MODELS_KEPT", 3)  # published versions that can be gone back to, the live one among them
TRAIN_EVERY_HOURS = env.float("TRAIN_EVERY_HOURS", 24)  # 0: only by hand
TRAIN_LEASE_SECONDS = env.int("TRAIN_LEASE_SECONDS", 300)
TRAIN_HELD_OUT = env.float("TRAIN_HELD_OUT", 0.1)  # the newest share of the events, which decides what is published
TRAIN_RECENT_DAYS = env.int("TRAIN_RECENT_DAYS", 30)  # what a model is fine-tuned on after it has seen everything

# Encoders -------------------------------------------------------------------------------------------------------
# A dotted path and its options, as in CACHES. "bundled" needs no model hub; see docs/encoders.md for the others.
TEXT_ENCODER = env.str("TEXT_ENCODER", "bundled")  # or a hub id or path of a BERT sentence encoder
IMAGE_ENCODER = env.str("IMAGE_ENCODER", "bundled")  # or an OpenCLIP model: "ViT-B-32/laion2b_s34b_b79k", "hf-hub:…"
ENCODER_DEVICE = env.str("ENCODER_DEVICE", "auto")  # auto, cpu, cuda, cuda:1
ENCODER_RUNTIME = env.str("ENCODER_RUNTIME", "auto")  # auto, torch, openvino, onnxruntime
ENCODER_BATCH = env.int("ENCODER_BATCH", 32)
ENCODER_CACHE = HOME / "models"  # compiled networks
ENCODERS = {
    "text": (
        {"BACKEND": "search.encoders.bundled.BundledTextEncoder", "OPTIONS": {}}
        if TEXT_ENCODER == "bundled"
        else {"BACKEND": "search.encoders.bert.BertEncoder", "OPTIONS": {"model": TEXT_ENCODER}}
    ),
    "image": (
        {"BACKEND": "search.encoders.bundled.BundledJointEncoder", "OPTIONS": {}}
        if IMAGE_ENCODER == "bundled"
        else {"BACKEND": "search.encoders.openclip.OpenClipEncoder", "OPTIONS": {"model": IMAGE_ENCODER}}
    ),
}

# Serving recommendations ----------------------------------------------------------------------------------------
RECOMMEND_LOG_DAYS = env.int("RECOMMEND_LOG_DAYS", 180)  # of the log, for what goes together and what is popular
RECOMMEND_TABLES_SECONDS = env.int("RECOMMEND_TABLES_SECONDS", 900)  # between two countings of it
RECOMMEND_NEW_DAYS = env.int("RECOMMEND_NEW_DAYS", 30)  # how long a product is a new arrival
RECOMMEND_SEEN_AGAIN = env.bool("RECOMMEND_SEEN_AGAIN", False)  # for-you shows what the shopper has looked at
RECOMMEND_BOUGHT_AGAIN = env.bool("RECOMMEND_BOUGHT_AGAIN", False)  # surfaces show what the shopper has bought
RECOMMEND_RELEVANCE = env.float("RECOMMEND_RELEVANCE", 0.7)  # 1: by score alone; lower: more different from each other
RECOMMEND_BRAND_CAP = env.int("RECOMMEND_BRAND_CAP", 4)  # of twelve hits in a row
RECOMMEND_STORE_CAP = env.int("RECOMMEND_STORE_CAP", 6)
# How much hits are to a shopper's taste, by dotted path; empty: the order is the same for all. And who is asking.
SEARCH_RERANKER = env.str("SEARCH_RERANKER", "recommend.serving.reranking.taste_of")
SEARCH_SHOPPER = env.str("SEARCH_SHOPPER", "recommend.serving.reranking.shopper_of")
# Weights in the fusion beside 2 for words and 1 for meaning; 0: the part is not asked. See docs/search.md.
SEARCH_TEXT_TO_IMAGE_WEIGHT = env.float("SEARCH_TEXT_TO_IMAGE_WEIGHT", 0)  # the words held against pictures
SEARCH_BEHAVIOUR_WEIGHT = env.float("SEARCH_BEHAVIOUR_WEIGHT", 0)  # how much shoppers want a product
SEARCH_BEHAVIOUR = env.str("SEARCH_BEHAVIOUR", "recommend.serving.wanted.wanted")  # who tells that, by dotted path
SEARCH_LEARN_HOURS = env.float("SEARCH_LEARN_HOURS", 24)  # between two fits on clicks; 0: only by hand
CROSS_ENCODER = env.str("CROSS_ENCODER", "")  # hub id or path of a model that reads query and text together
CROSS_ENCODER_DEPTH = env.int("CROSS_ENCODER_DEPTH", 30)  # hits from the first that it reads
SEARCH_PERSONAL_WEIGHT = env.float("SEARCH_PERSONAL_WEIGHT", 0.3)  # 0: none; 1: by the shopper's taste alone
# Of what a word's own best product scores, what a synonym's best one does; 0: no synonyms in words.
SEARCH_SYNONYM_WEIGHT = env.float("SEARCH_SYNONYM_WEIGHT", 0.9)
# Module that tells to which groups a shopper belongs, for merchandising rules: NAMES and segments_of(shopper).
SEARCH_SEGMENTS = env.str("SEARCH_SEGMENTS", "recommend.serving.segments")
SEARCH_PROMOTION_LIFT = env.int("SEARCH_PROMOTION_LIFT", 0)  # places that a running promotion lifts its products
SEARCH_PERSONAL_MAX_MOVE = env.int("SEARCH_PERSONAL_MAX_MOVE", 5)  # places that a hit may move at most

# Spelling and completion ----------------------------------------------------------------------------------------
SEARCH_KEYBOARD = env.str("SEARCH_KEYBOARD", "")  # qwerty, qwertz, azerty; empty: by the query's language
SEARCH_VOCABULARY_SECONDS = env.int("SEARCH_VOCABULARY_SECONDS", 300)  # between two looks for new words
# A shopper's own earlier queries, by dotted path; empty: nobody's are offered.
SEARCH_RECENT_QUERIES = env.str("SEARCH_RECENT_QUERIES", "recommend.shop.recent_queries.RecentQueries")

# The log of searches --------------------------------------------------------------------------------------------
# The share of visitors whose searches are logged; 0: none, and no experiment can run. Tests that want it say so.
SEARCH_LOG_SAMPLE = env.float("SEARCH_LOG_SAMPLE", 0 if TESTING else 1)
# The share of logged searches with what the ranker saw of each hit, which it can be trained on.
SEARCH_LOG_FEATURES = env.float("SEARCH_LOG_FEATURES", 0.2)
SEARCH_LOG_SECONDS = env.float("SEARCH_LOG_SECONDS", 1)  # rows wait in memory at most; 0: written with the answer
SEARCH_LOG_DAYS = env.int("SEARCH_LOG_DAYS", 180)  # 0: for ever
SEARCH_POPULAR_DAYS = env.int("SEARCH_POPULAR_DAYS", 30)  # of the log, for what is popular
SEARCH_POPULAR_VISITORS = env.int("SEARCH_POPULAR_VISITORS", 5)  # a query is told to others from so many visitors on
# A cart or purchase belongs to the search whose hit the shopper clicked at most so long before.
SEARCH_ATTRIBUTION_HOURS = env.float("SEARCH_ATTRIBUTION_HOURS", 24)
# Who is searching, and what was done with what a search had shown, by dotted path.
SEARCH_VISITOR = env.str("SEARCH_VISITOR", "recommend.events.visitors.visitor_of")
SEARCH_CLICKS = env.str("SEARCH_CLICKS", "recommend.analytics.clicks.clicks_since")

# Tasks ----------------------------------------------------------------------------------------------------------
CELERY_BROKER_CONNECTION_TIMEOUT = BROKER_SECONDS = env.float("BROKER_TIMEOUT_SECONDS", 1.5)
CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = connections.broker(
    env.str("CELERY_BROKER_URL", ""), home=HOME, seconds=BROKER_SECONDS
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "workers.tasks.drain_outbox": {"queue": "encode"},
    "workers.tasks.learn_ranking": {"queue": "train"},
    "workers.tasks.train": {"queue": "train"},  # takes minutes to hours, so it has a worker of its own
}
CELERY_BEAT_SCHEDULER = "vetrina.schedule:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "celerybeat-schedule")
OUTBOX_SWEEP_SECONDS = env.int("OUTBOX_SWEEP_SECONDS", 5)
OUTBOX_BATCH = env.int("OUTBOX_BATCH", 1024)
OUTBOX_LEASE_SECONDS = env.int("OUTBOX_LEASE_SECONDS", 120)
OUTBOX_MAX_ATTEMPTS = env.int("OUTBOX_MAX_ATTEMPTS", 5)
OUTBOX_LATE_SECONDS = env.int("OUTBOX_LATE_SECONDS", 300)  # a change that waits longer is told as degraded
CELERY_BEAT_SCHEDULE = timetable(
    sweep=OUTBOX_SWEEP_SECONDS, tables=RECOMMEND_TABLES_SECONDS, vocabulary=SEARCH_VOCABULARY_SECONDS
)

# Pictures -------------------------------------------------------------------------------------------------------
PICTURE_MAX_BYTES = env.int("PICTURE_MAX_BYTES", 15 * 1024 * 1024)
PICTURE_MAX_PIXELS = env.int("PICTURE_MAX_PIXELS", 50_000_000)
PICTURE_FETCH_TIMEOUT = env.int("PICTURE_FETCH_TIMEOUT", 10)  # seconds for one picture, redirects included
PICTURE_BULK_SECONDS = env.float("PICTURE_BULK_SECONDS", 60)  # for all pictures of one products/bulk; 0: no limit
THUMBNAIL_SIZES = {"small": 160, "medium": 480, "large": 1200}  # the longer side, pixels

# Shop -----------------------------------------------------------------------------------------------------------
SHOP_NAME = env.str("SHOP_NAME", "Vetrina")
SHOP_CURRENCY = env.str("SHOP_CURRENCY", "EUR")
SEARCH_PAGE_SIZE = env.int("SEARCH_PAGE_SIZE", 24)
# Searches and lists that one process works on at once, fewer than it has threads, so that some are left for everything
# else; who would wait longer for a turn is told at once to come again. 0: no limit.
SEARCH_CONCURRENCY = env.int("SEARCH_CONCURRENCY", max(1, env.int("WEB_THREADS", 8) - 3))
RECOMMEND_CONCURRENCY = env.int("RECOMMEND_CONCURRENCY", max(1, env.int("WEB_THREADS", 8) // 4))  # the same of these
SEARCH_WAIT_SECONDS = env.float("SEARCH_WAIT_SECONDS", 0.5)
# Dotted path of what takes an order over, checkout(request, content, basket) -> HttpResponse. Empty: no real orders.
SHOP_CHECKOUT = env.str("SHOP_CHECKOUT", "")
SHOP_ACTION_RATE = env.str("SHOP_ACTION_RATE", "120/min")  # what buttons do (cart, "not for me") from one address

# Sponsored places -----------------------------------------------------------------------------------------------
SPONSORED_FLOOR = env.float("SPONSORED_FLOOR", 0.5)  # relevance, 0 to 1, that a product needs before its bid counts
SPONSORED_RESERVE = env.float("SPONSORED_RESERVE", 0.05)  # the least that a click costs
# Clicks expected from one view. It makes bids for views and for clicks comparable.
SPONSORED_EXPECTED_CLICK_RATE = env.float("SPONSORED_EXPECTED_CLICK_RATE", 0.02)
SPONSORED_PLACES = env.int("SPONSORED_PLACES", 4)  # in one answer, at most
SPONSORED_PER_STORE = env.int("SPONSORED_PER_STORE", 2)  # of these
SPONSORED_CHARGEABLE_SECONDS = env.int("SPONSORED_CHARGEABLE_SECONDS", 86_400)  # a click that comes later is free
SPONSORED_CLICK_RATE = env.str("SPONSORED_CLICK_RATE", "20/min")  # charged clicks and views of one address
SPONSORED_RETENTION_DAYS = env.int("SPONSORED_RETENTION_DAYS", 90)  # of placements; 0: for ever

# Events ---------------------------------------------------------------------------------------------------------
# True: nothing personal is stored before the shopper said yes. False: unless they or their browser (DNT, GPC) said no.
EVENTS_REQUIRE_CONSENT = env.bool("EVENTS_REQUIRE_CONSENT", False)
EVENTS_PER_MINUTE = env.int("EVENTS_PER_MINUTE", 600)  # from one client without an API key
EVENTS_FILTER_BOTS = env.bool("EVENTS_FILTER_BOTS", True)  # by the name that they give themselves
EVENT_MAX_AGE_DAYS = env.int("EVENT_MAX_AGE_DAYS", 7)  # of what arrives over REST: apps send what they kept offline
EVENT_MAX_AHEAD_SECONDS = env.int("EVENT_MAX_AHEAD_SECONDS", 300)  # clocks differ
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", 730)  # 0: for ever
ACCOUNT_INACTIVE_DAYS = env.int("ACCOUNT_INACTIVE_DAYS", 0)  # without a sign-in, then an account is erased; 0: never
PRIVACY_RECORD_DAYS = env.int("PRIVACY_RECORD_DAYS", 1095)  # of what was agreed to, and of erasures; 0: for ever

# Rate limits ----------------------------------------------------------------------------------------------------
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
# How many proxies of the shop's own a request comes through. Each adds whom it heard from to X-Forwarded-For; what
# stands before these anybody can make up, and a limit by address would be none.
PROXIES = env.int("PROXIES", 1 if BEHIND_PROXY else 0)

API_RATE_ANONYMOUS = env.str("API_RATE_ANONYMOUS", "600/min")  # of an address without a valid key
API_RATE_KEY = env.str("API_RATE_KEY", "6000/min")  # of a key, from wherever
API_RATE_ADDRESS = env.str("API_RATE_ADDRESS", "12000/min")  # of an address, by all its keys

# API keys -------------------------------------------------------------------------------------------------------
API_KEY_DAYS = env.int("API_KEY_DAYS", 365)  # that the form of a new key proposes; 0: for ever
API_KEY_GRACE_HOURS = env.int("API_KEY_GRACE_HOURS", 168)  # that a replaced key lives on
API_KEY_EXPIRING_DAYS = env.int("API_KEY_EXPIRING_DAYS", 14)  # before its end a key is shown as expiring
API_KEY_UNUSED_DAYS = env.int("API_KEY_UNUSED_DAYS", 90)  # without use a key is shown as unused

# Staff ----------------------------------------------------------------------------------------------------------
STAFF_SECOND_FACTOR = env.str("STAFF_SECOND_FACTOR", "optional")  # or required: staff without one only set one up
OTP_TOTP_ISSUER = env.str("OTP_ISSUER", "Vetrina")  # how authenticator apps name the account
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 1  # seconds, doubled with each wrong code in a row
AUDIT_DAYS = env.int("AUDIT_DAYS", 730)  # that the audit log is kept; 0: for ever
AUDIT_ADDRESSES = env.str("AUDIT_ADDRESSES", "network")  # full, network (/24 or /48) or none
# Models whose rows are not told of in the audit log: of shoppers, and judgments, of which there are thousands.
AUDIT_SILENT = {
    "recommend.event", "recommend.shopper", "recommend.placement", "search.loggedsearch", "search.judgment",
    "recommend.erasure", "recommend.erasedkey", "recommend.consentchange",
}  # fmt: skip

# REST -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["catalog.api.permissions.Scoped"],
    "DEFAULT_SCHEMA_CLASS": "catalog.api.schema.ScopedSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "PAGE_SIZE": 50,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": [f"catalog.api.limits.{kind}Limit" for kind in ("Anonymous", "Address", "Key")],
    "NUM_PROXIES": PROXIES,
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024  # products/bulk takes thousands of rows
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # filled by collectstatic, in production mode
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(HOME / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_ALLOW_ALL_ORIGINS = False  # the shop's pages alone use them

# Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

# Security -------------------------------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        # For everybody: who is made staff later keeps the password that they had.
        ("MinimumLengthValidator", {"min_length": 10}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
SESSION_ENGINE = "catalog.sessions"
if MULTI_SHOP:
    AUTHENTICATION_BACKENDS = ["catalog.accounts.ShopBackend"]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from within, by what speaks no TLS
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}

# Watching -------------------------------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", "")  # empty: /metrics answers this machine alone, and nobody behind a proxy
TRACING = env.bool("TRACING", False)  # spans to where OTEL_EXPORTER_OTLP_ENDPOINT says; needs the extra otel
LOG_FORMAT = env.str("LOG_FORMAT", "json" if PRODUCTION else "plain")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "vetrina.monitoring.logs.json_lines"},
        "plain": {"()": "vetrina.monitoring.logs.plain_lines"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json" if LOG_FORMAT == "json" else "plain"}
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # Each task as it comes and goes, and each message of the schedule: vetrina.task tells of those that matter.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
