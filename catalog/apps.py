from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from catalog import checks  # noqa: F401  (registers them)
        from catalog.audit import collecting, signing_in
        from catalog.models.borders import put_up, take_down
        from catalog.models.shop import make_default_shop

        pre_migrate.connect(take_down, sender=self)
        post_migrate.connect(make_default_shop, sender=self)
        post_migrate.connect(put_up, sender=self)
        collecting.connect()
        signing_in.connect()
