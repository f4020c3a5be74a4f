from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from catalog.audit import collecting, signing_in

        collecting.connect()
        signing_in.connect()
