"""Finds the rows that may have changed, and loads their pictures before the transaction that writes them begins."""

from catalog.fetch import FetchError
from catalog.importing.options import ImportOptions
from catalog.importing.plan import PreparedRow, WantedPicture, kept_picture
from catalog.importing.report import Outcome, RowResult
from catalog.importing.row_pictures import Loaded, RowPictures
from catalog.importing.rows import PictureRef, ProductRow
from catalog.importing.values import RowError
from catalog.models import Picture, Product
from catalog.verification import PictureError, VerifiedPicture, near_duplicate


def prepare(
    rows: list[ProductRow], pictures: RowPictures, options: ImportOptions, *, keep: bool
) -> tuple[list[PreparedRow], list[RowResult]]:
    """Load the pictures of the rows that may have changed; the others, and those that are rejected, are results."""
    results: list[RowResult] = []
    hashes: dict[str, str] = {}
    stored = {
        sku: (pk, content_hash)
        for sku, pk, content_hash in Product.objects.filter(sku__in=[row.sku for row in rows]).values_list(
            "sku", "pk", "content_hash"
        )
    }
    to_load: list[ProductRow] = []
    for row in rows:
        if options.pictures == "skip":
            row.pictures = None
        try:
            content_hash = row.content_hash(_signatures(row, pictures, options))
        except PictureError as error:
            results.append(_without(row, str(error)))
            continue
        pk, known = stored.get(row.sku, (None, ""))
        if content_hash == known and not options.force:
            results.append(RowResult(row.line, row.sku, Outcome.UNCHANGED, warnings=row.warnings, product_id=pk))
        else:
            hashes[row.sku] = content_hash
            to_load.append(row)
    owned = _pictures_by_address(to_load)
    fresh = [ref for row in to_load for ref in row.pictures or () if (row.sku, ref.location) not in owned]
    if not keep:
        fresh = [ref for ref in fresh if not ref.is_address]
    loaded = pictures.load(fresh, keep=keep)
    prepared = []
    for row in to_load:
        try:
            wanted, complete = _wanted_pictures(row, owned, loaded, options, fetched=keep)
            prepared.append(PreparedRow(row, hashes[row.sku] if complete else "", wanted))
        except RowError as error:
            results.append(_without(row, str(error)))
    return prepared, results


def _without(row: ProductRow, reason: str) -> RowResult:
    return RowResult(row.line, row.sku, Outcome.REJECTED, reason=reason, warnings=row.warnings)


def _signatures(row: ProductRow, pictures: RowPictures, options: ImportOptions) -> list[str]:
    found = []
    for ref in row.pictures or ():
        try:
            found.append(pictures.signature(ref))
        except PictureError as error:
            if options.pictures == "strict":
                raise PictureError(f"picture {ref.location!r}: {error}") from error
            found.append("missing")
    return found


def _pictures_by_address(rows: list[ProductRow]) -> dict[tuple[str, str], Picture]:
    """Return the pictures that products already have from the addresses that their rows name: not fetched again."""
    named = {(row.sku, ref.location) for row in rows for ref in row.pictures or () if ref.is_address}
    if not named:
        return {}
    found = Picture.objects.filter(
        product__sku__in={sku for sku, _ in named}, source__in={location for _, location in named}
    ).select_related("product")
    return {(picture.product.sku, picture.source): picture for picture in found}


def _wanted_pictures(
    row: ProductRow,
    owned: dict[tuple[str, str], Picture],
    loaded: dict[PictureRef, Loaded],
    options: ImportOptions,
    *,
    fetched: bool,
) -> tuple[list[WantedPicture] | None, bool]:
    """Return the pictures that the product should have, and whether none is still to come."""
    if row.pictures is None:
        return None, True
    wanted: dict[str, WantedPicture] = {}
    hashes: dict[str, str] = {}
    complete = True
    for ref in row.pictures:
        if picture := owned.get((row.sku, ref.location)):
            wanted.setdefault(picture.sha256, kept_picture(picture, ref))
            continue
        if ref not in loaded:
            if not fetched:
                row.warnings.append(f"picture {ref.location!r}: will be fetched")
            continue
        result = loaded[ref]
        if isinstance(result, VerifiedPicture):
            if result.sha256 in wanted:
                row.warnings.append(f"picture {ref.location!r}: is the same as another one of this product")
                continue
            if twin := next((name for name, known in hashes.items() if near_duplicate(known, result.phash)), None):
                row.warnings.append(f"picture {ref.location!r}: looks the same as {twin!r}")
            hashes[ref.location] = result.phash
            wanted[result.sha256] = WantedPicture(result.sha256, ref.location, ref.alt, result)
        elif isinstance(result, FetchError) and not result.permanent:
            row.warnings.append(f"picture {ref.location!r}: {result} It is tried again at the next import.")
            complete = False
        elif options.pictures == "strict":
            raise RowError("", f"picture {ref.location!r}: {result}")
        else:
            row.warnings.append(f"picture {ref.location!r}: {result} It was left out.")
    return list(wanted.values()), complete
