from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"

    def ready(self) -> None:
        from workers import shops  # noqa: F401  (listens to tasks, after vetrina.monitoring.tasks)
