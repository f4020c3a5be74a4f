from django.apps import AppConfig


class VetrinaConfig(AppConfig):
    name = "vetrina"

    def ready(self) -> None:
        from vetrina import checks  # noqa: F401  (registers the system checks)
