"""What Django is made of here: applications, middleware in its order, and templates."""

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.sitemaps",
    "csp",
    "django_filters",
    "rest_framework",
    "rest_framework_api_key",  # the fields, the making and the hashing of catalog.ApiKey; its own table stays empty
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "treebeard",
    "vetrina",
    "catalog",
    "search",
    "recommend",
    "workers",
]

MIDDLEWARE = [
    "vetrina.monitoring.requests.watched",
    "vetrina.browser_policy.browser_policy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "vetrina.methods.only_known_methods",
    "vetrina.methods.no_nul_in_pages",
    "catalog.hosts.of_shop",  # before anything that reads rows, the session first
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "vetrina.content_policy.ContentPolicy",
    "vetrina.second_factor.door.guarded",
    "catalog.audit.middleware.audited",
    "catalog.api.last_used.noted",
    "simple_history.middleware.HistoryRequestMiddleware",
    "recommend.events.middleware.remember_shopper",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "search.shop.context.shop",
                "recommend.shop.context.shopper",
            ]
        },
    }
]
