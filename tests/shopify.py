"""A product export as Shopify writes it: a row for each variant, and one for each further image.

The first row of a product has its texts; those of its other variants and images have the handle
and what is their own. Bodies are HTML over several lines.
"""

import csv
from pathlib import Path

COLUMNS = (
    *("Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published"),
    *("Option1 Name", "Option1 Value", "Option1 Linked To"),
    *("Option2 Name", "Option2 Value", "Option2 Linked To"),
    *("Option3 Name", "Option3 Value", "Option3 Linked To"),
    *("Variant SKU", "Variant Grams", "Variant Inventory Tracker", "Variant Inventory Qty"),
    *("Variant Inventory Policy", "Variant Fulfillment Service", "Variant Price"),
    *("Variant Compare At Price", "Variant Requires Shipping", "Variant Taxable"),
    *("Variant Barcode", "Image Src", "Image Position", "Image Alt Text", "Gift Card"),
    *("SEO Title", "SEO Description", "Variant Image", "Variant Weight Unit", "Variant Tax Code"),
    *("Cost per item", "Status"),
)
KINDS = {
    "Desk Lamp": "Home & Garden > Lighting > Lamps",
    "Floor Lamp": "Home & Garden > Lighting > Lamps",
    "Armchair": "Furniture > Chairs",
    "Dining Chair": "Furniture > Chairs",
    "Writing Desk": "Furniture > Tables",
    "Coffee Table": "Furniture > Tables",
    "Bookcase": "Furniture > Shelving",
    "Wall Shelf": "Furniture > Shelving",
}
VENDORS = ("Lux", "Holz & Co", "Nordhaus")
MATERIALS = ("Oak", "Steel", "Linen", "Glass", "Walnut")
COLOURS = ("Red", "Blue", "Black", "White", "Green")
IMAGES = "https://cdn.shopify.com/s/files/1/0000/0001/products"


def write_products(path: Path, products: int = 120) -> None:
    """Write an export of so many products, of two variants each."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for number in range(products):
            writer.writerows(_product(number))


def _product(number: int) -> list[dict[str, str]]:
    kind = list(KINDS)[number % len(KINDS)]
    vendor, material = VENDORS[number % 3], MATERIALS[number // 8 % 5]
    title = f"{vendor} {material} {kind} {number:03d}"
    handle = title.lower().replace(" & ", " ").replace(" ", "-")
    texts = {
        "Title": title,
        "Body (HTML)": f"<p>In {material.lower()}.</p>\n<ul>\n<li>Made to last</li>\n</ul>",
        "Vendor": vendor,
        "Product Category": KINDS[kind],
        "Type": kind,
        "Tags": f"{material}, new",
        "Published": "true",
        "Option1 Name": "Color",
        "Image Src": f"{IMAGES}/{handle}.jpg",
        "Image Position": "1",
        "Gift Card": "false",
        "Status": "active",
    }
    rows = [{"Handle": handle} | _variant(number, at) for at in range(2)]
    rows[0] |= texts
    if number % 4 == 0:
        rows.append({"Handle": handle, "Image Src": f"{IMAGES}/{handle}-2.jpg"})
        rows[-1]["Image Position"] = "2"
    return rows


def _variant(number: int, at: int) -> dict[str, str]:
    return {
        "Option1 Value": COLOURS[(number + at) % len(COLOURS)],
        "Variant SKU": f"SKU-{number:03d}-{at}",
        "Variant Grams": "1200.0",
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": str(5 + number % 9),
        "Variant Inventory Policy": "deny",
        "Variant Fulfillment Service": "manual",
        "Variant Price": f"{19.9 + 7 * (number % 23) + 2 * at:.2f}",
        "Variant Requires Shipping": "true",
        "Variant Taxable": "true",
        "Variant Weight Unit": "kg",
    }
