"""Finds out which column (or JSON key) means what: from the caller's mapping first, then from its name."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from catalog.importing.readers import SourceError

# The names under which shops export a field, the surest first; compared without case, accents and punctuation.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "sku": (
        "sku", "product_sku", "item_sku", "article_number", "artikelnummer", "artikel_nr", "art_nr", "reference",
        "product_id", "item_id", "item_number", "variant_sku", "product_code", "handle", "asin", "id",
    ),
    "title": (
        "title", "product_title", "product_name", "productdisplayname", "name", "item_name", "titel", "produktname",
        "bezeichnung", "artikelbezeichnung", "titre", "nom", "nom_du_produit", "nombre", "titolo",
    ),
    "description": (
        "description", "product_description", "long_description", "body_html", "body", "beschreibung",
        "artikelbeschreibung", "langtext", "details", "short_description", "kurzbeschreibung", "descripcion",
        "descrizione",
    ),
    "brand": ("brand", "brand_name", "manufacturer", "vendor", "marke", "hersteller", "marque", "fabricant", "marca"),
    "store": ("store", "merchant", "seller", "shop", "merchant_name", "haendler", "handler", "vendeur", "boutique"),
    "category": (
        "category", "category_path", "categories", "product_category", "google_product_category", "mastercategory",
        "kategorie", "warengruppe", "categorie", "rubrique", "categoria",
    ),
    "department": ("department", "main_category", "abteilung", "rayon", "hauptkategorie"),
    "subcategory": ("subcategory", "sub_category", "unterkategorie", "sous_categorie"),
    "product_type": ("product_type", "article_type", "producttype", "articletype", "produktart"),
    "price": (
        "price", "unit_price", "regular_price", "list_price", "current_price", "selling_price", "preis",
        "verkaufspreis", "bruttopreis", "vk", "prix", "precio", "prezzo",
    ),
    "price_cents": ("price_cents", "price_in_cents", "amount_cents"),
    "sale_price": ("sale_price", "special_price", "discount_price", "angebotspreis", "aktionspreis", "prix_promo"),
    "compare_at_price": (
        "compare_at_price", "compare_price", "original_price", "old_price", "msrp", "rrp", "uvp", "streichpreis",
        "ancien_prix", "prix_barre",
    ),
    "currency": ("currency", "currency_code", "price_currency", "waehrung", "wahrung", "devise", "moneda", "valuta"),
    "stock": (
        "stock", "quantity", "qty", "inventory", "stock_quantity", "inventory_quantity", "availability", "in_stock",
        "bestand", "lagerbestand", "verfuegbarkeit", "verfugbarkeit", "quantite", "disponibilite",
    ),
    "status": ("status", "state", "published", "is_published", "active", "visibility", "statut"),
    "mpn": ("mpn", "model_number", "manufacturer_part_number", "part_number", "model", "modellnummer"),
    "ean": ("ean", "gtin", "barcode", "upc", "ean13", "gtin13", "isbn", "eans", "variant_barcode"),
    "family": ("family", "item_group_id", "parent_sku", "group_id", "style_id", "product_family", "familie"),
    "released": ("released", "release_date", "launch_date", "released_at", "erscheinungsdatum", "date_de_sortie"),
    "tags": ("tags", "keywords", "labels", "schlagworte", "mots_cles", "etiquetas"),
    "attributes": ("attributes", "specifications", "specs", "attribute_json"),
    "translations": ("translations",),
    "variants": ("variants",),
}  # fmt: skip
LEVELS = ("department", "category", "subcategory", "product_type")  # from coarse to fine
MAPPABLE = (*SYNONYMS, "images")
_IMAGE = re.compile(
    r"(?:additional_|product_|main_|hauptl?_?)?(?:images?|pictures?|photos?|bild(?:er)?|foto|thumbnail|img)"
    r"(?:_(?:links?|urls?|src|files?|paths?|names?|adresse))?_?\d{0,2}"
)
_TRANSLATED = re.compile(r"(title|name|titel|description|beschreibung)_([a-z]{2})")
_ATTRIBUTE = re.compile(r"(?:attributes?|attr|spec|merkmal)[.:_ ]+(.+)", re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=10_000)
def normalised(name: str) -> str:
    """Return a column's name as it is compared: "Artikel-Nr." -> "artikel_nr", "Größe" -> "grosse"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    plain = unicodedata.normalize("NFKD", spaced.casefold())
    return re.sub(r"[^a-z0-9]+", "_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")


def attribute_name(name: str) -> str:
    """Return an attribute's name as it is stored: lower case, words joined by "_", letters of any script kept."""
    return re.sub(r"[\s.:/-]+", "_", unicodedata.normalize("NFC", name).strip().lower())


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column means. ``levels`` are the columns that make a category path together, from coarse to fine."""

    fields: dict[str, str] = field(default_factory=dict)  # field -> column
    levels: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    translated: dict[str, tuple[str, str]] = field(default_factory=dict)  # column -> (language, field)
    attributes: dict[str, str] = field(default_factory=dict)  # column -> attribute

    def meaning(self) -> dict[str, str]:
        """Return column -> what it is used for, as the import page shows it."""
        shown = {column: name for name, column in self.fields.items()}
        shown |= {column: f"attribute {name}" for column, name in self.attributes.items() if column not in shown}
        shown |= {column: f"{name} in {language}" for column, (language, name) in self.translated.items()}
        shown |= dict.fromkeys(self.images, "picture") | dict.fromkeys(self.levels, "category")
        return shown

    def apply(self, raw: Mapping[str, object]) -> dict[str, object]:
        """Return the row by field. Fields whose column the row lacks are absent."""
        row = {name: raw[column] for name, column in self.fields.items() if column in raw}
        if self.levels:
            row["category"] = _joined([raw.get(column) for column in self.levels])
        if self.images:
            row["images"] = [raw[column] for column in self.images if column in raw]
        if extra := {name: raw[column] for column, name in self.attributes.items() if column in raw}:
            own = row.get("attributes")
            row["column_attributes"] = extra
            row["attributes"] = own if own not in (None, "") else {}
        if self.translated:
            row["column_translations"] = {
                pair: raw[column] for column, pair in self.translated.items() if column in raw
            }
        return row


def _joined(parts: Iterable[object]) -> list[str]:
    path: list[str] = []
    for part in parts:
        text = str(part or "").strip()
        if text and (not path or path[-1].casefold() != text.casefold()):
            path.append(text)
    return path


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Raise `SourceError` for a field that does not exist."""
    for name in mapping:
        if name not in MAPPABLE:
            raise SourceError(f"{name} is no field of a product; known are: {', '.join(sorted(MAPPABLE))}.")


def guess(names: Iterable[str], mapping: Mapping[str, str] | None = None, *, keep_unknown: bool = True) -> Columns:
    """Return what the columns mean. ``mapping`` (field -> column) goes before any guess and must name real columns.

    Columns that mean nothing known become attributes, or are left out where ``keep_unknown`` is false.
    """
    columns = [name for name in names if name.strip()]
    result = Columns()
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(normalised(column), column)
    used: set[str] = set()
    for name, column in (mapping or {}).items():
        actual = column if column in columns else by_name.get(normalised(column))
        if actual is None:
            continue  # a JSON row may lack the key; the importer checks the header of a table
        used.add(actual)
        if name == "images":
            result.images.append(actual)
        else:
            result.fields[name] = actual
    for name, synonyms in SYNONYMS.items():
        if name in result.fields:
            continue
        found = next((by_name[s] for s in synonyms if s in by_name and by_name[s] not in used), None)
        if found is not None:
            result.fields[name] = found
            used.add(found)
    _find_levels(result, mapping or {})
    for column in columns:
        if column in used and column not in (result.fields.get("product_type"), result.fields.get("department")):
            continue
        key = normalised(column)
        if column in used:
            if column == result.fields.get("product_type"):
                result.attributes[column] = attribute_name(column)
        elif match := _TRANSLATED.fullmatch(key):
            field_ = "description" if match[1].startswith(("d", "b")) else "title"
            result.translated[column] = (match[2], field_)
        elif _IMAGE.fullmatch(key):
            result.images.append(column)
        elif match := _ATTRIBUTE.fullmatch(column):
            result.attributes[column] = attribute_name(match[1])
        elif keep_unknown:
            result.attributes[column] = attribute_name(column)
    for name in ("department", "subcategory", "product_type"):
        result.fields.pop(name, None)
    return result


def _find_levels(columns: Columns, mapping: Mapping[str, str]) -> None:
    """Department, category and so on beside each other are one path, unless the caller named the category's column.

    A product type is a level below a department alone: beside a lone category it may cut across the tree.
    """
    if "category" in mapping and "department" not in mapping:
        return
    present = [name for name in LEVELS if name in columns.fields]
    if "department" not in present:
        present = [name for name in present if name != "product_type"]
    if len(present) >= 2:
        columns.levels.extend(columns.fields[name] for name in present)
        columns.fields.pop("category", None)
    elif present == ["department"] or present == ["subcategory"]:
        columns.fields["category"] = columns.fields[present[0]]
