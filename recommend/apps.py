from django.apps import AppConfig


class RecommendConfig(AppConfig):
    name = "recommend"
    verbose_name = "Recommendations"

    def ready(self) -> None:
        from recommend.events import signals  # noqa: F401  (listens to logins)
