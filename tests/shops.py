"""A small shop to search in: furniture, cups and computers, with families, pictures, codes and translations."""

import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from catalog import services
from catalog.models import Brand, Category, Collection, CollectionItem, Product, Promotion, Store, Tag
from catalog.pictures import add_picture
from search.index.drain import drain

COLOURS = {"red": "#c0392b", "blue": "#2d5fd0", "green": "#2e9d57", "black": "#111111"}


def picture(colour: str, shape: str = "ellipse", side: int = 64) -> bytes:
    """A coloured shape on white."""
    image = Image.new("RGB", (side, side), "white")
    getattr(ImageDraw.Draw(image), shape)((side // 8, side // 8, side * 7 // 8, side * 7 // 8), fill=COLOURS[colour])
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def build() -> dict[str, Product]:
    """Fill the database; the index still has to be brought level. Products by sku."""
    home = services.add_category("Home")
    kitchen = services.add_category("Kitchen", home)
    seats = services.add_category("Seats", home, translations={"de": {"name": "Stühle"}})
    computers = services.add_category("Computers")
    brands = {name: Brand.objects.create(name=name, slug=name.lower()) for name in ("Acme", "Nord", "Volt")}
    stores = {name: Store.objects.create(name=name, slug=name.lower()) for name in ("Corner", "Depot")}
    gift = Tag.objects.create(name="Gift", slug="gift")
    made: dict[str, Product] = {}

    def sell(sku: str, title: str, category: Category, brand: str, store: str, price: int, **more: Any) -> None:
        codes, tags, shape = more.pop("codes", None), more.pop("tags", ()), more.pop("shape", "")
        fields = {"stock": 5, "status": "published", **more}
        product = Product(
            sku=sku, title=title, category=category, brand=brands[brand], store=stores[store], price=Decimal(price),
            **fields,
        )  # fmt: skip
        services.save_product(product, codes=codes, tags=tags)
        if shape:
            add_picture(product, picture(product.attributes["colour"], shape), alt=title)
        made[sku] = product

    for number, colour in enumerate(("red", "blue", "green")):
        sell(
            f"CUP-{colour}", f"Espresso cup {colour}", kitchen, "Acme", "Corner", 10 + number, family="cup",
            attributes={"colour": colour, "volume_ml": 80, "dishwasher": True}, shape="ellipse",
            tags=[gift] if colour == "red" else [],
        )  # fmt: skip
    sell("MUG-black", "Coffee mug black", kitchen, "Nord", "Depot", 8, attributes={"colour": "black"}, shape="ellipse")
    sell("CHAIR-1", "Folding chair", seats, "Nord", "Depot", 80, attributes={"colour": "blue", "material": "oak"},
         shape="rectangle",
         translations={"de": {"title": "Klappstuhl aus Eiche"}, "ja": {"title": "折りたたみ椅子"}})  # fmt: skip
    sell("CHAIR-2", "Deck chair", seats, "Nord", "Corner", 130, attributes={"colour": "green", "material": "oak"},
         shape="rectangle", stock=0)  # fmt: skip
    sell("CHAIR-3", "Office chair", seats, "Volt", "Depot", 210, attributes={"colour": "black", "material": "leather"},
         shape="rectangle", description="With a headrest, for long days at the desk.")  # fmt: skip
    sell("LAPTOP-1", "Volt laptop 15 inch", computers, "Volt", "Depot", 900, mpn="dv7-1211ea",
         attributes={"colour": "black", "memory": "2TB"}, codes={"ean": ["4006381333931"]},
         released=date(2024, 5, 1))  # fmt: skip
    sell("LAPTOP-2", "Volt laptop 13 inch", computers, "Volt", "Corner", 700, mpn="dv7-9000", released=date(2025, 5, 1))
    sell("CASE-1", "Laptop case", computers, "Acme", "Corner", 25, attributes={"colour": "black"}, shape="rectangle")
    sell("HUB-1", "USB hub with four ports", computers, "Acme", "Corner", 15)
    sell("DRAFT-1", "Secret laptop", computers, "Volt", "Depot", 1, status="draft")
    week = Promotion.objects.create(
        name="Kitchen week", slug="kitchen-week", kind="percent", value=25, starts_at=timezone.now() - timedelta(days=1)
    )
    week.categories.add(kitchen)
    over = Promotion.objects.create(
        name="Over", slug="over", kind="percent", value=5, starts_at=timezone.now() - timedelta(days=9),
        ends_at=timezone.now() - timedelta(days=2),
    )  # fmt: skip
    over.categories.add(computers)
    desk = Collection.objects.create(title="At the desk", slug="desk")
    for position, sku in enumerate(("CHAIR-3", "LAPTOP-1")):
        CollectionItem.objects.create(collection=desk, product=made[sku], position=position)
    return made


def build_indexed() -> dict[str, Product]:
    made = build()
    report = drain()
    assert not report.failed, report
    assert not report.reason, report
    return made
