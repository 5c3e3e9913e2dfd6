"""Public product files in small: by hand, after what shops and research sets export."""

import json

SHOPIFY = """Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src
red-lamp,Red lamp,<p>Warm &amp; soft</p>,Lux,Lamps,Size,Small,,19.90,a.jpg
red-lamp,,,,,,Large,,29.90,
red-lamp,,,,,,,,,b.jpg
oak-desk,Oak desk,,Holz,Desks,Title,Default Title,D1,199.00,c.jpg
"""
WOO = """ID,Type,SKU,Name,Short description,Regular price,Categories,Stock,Parent,Attribute 1 name,Attribute 1 value(s)
1,variable,tee,T-Shirt,A shirt,,"Clothing > Tshirts, Sale",,,Color,"Blue, Red"
2,simple,cap,Cap,,16,Clothing > Caps,7,,,
3,variation,tee-blue,T-Shirt - Blue,,20,,3,tee,Color,Blue
4,variation,tee-red,T-Shirt - Red,,21,,4,tee,Color,Red
5,grouped,set,Set of both,,,Clothing,,,,
"""
MERCHANT = """id\ttitle\tdescription\tlink\tprice\tbrand\tgoogle_product_category\tproduct_type\titem_group_id\tcolor
a1\tLamp red\tA lamp\thttps://x\t28.00 EUR\tLux\t594\tHome > Lamps\ta\tred
a2\tLamp blue\tA lamp\thttps://x\t1,280.00 EUR\tLux\t594\tHome > Lamps\ta\tblue
"""


def _lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


# name and content of a file; layout; of some items: id -> (title, price, category, brand)
KNOWN = {
    "Google Merchant, RSS": (
        "feed.xml",
        """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Lux</title>
<link>https://x</link><description>All</description>
<item><g:id>a1</g:id><g:item_group_id>a</g:item_group_id><title>Lamp red</title>
<description><![CDATA[<p>A lamp</p>]]></description><link>https://x/1</link>
<g:price>28.00 EUR</g:price><g:brand>Lux</g:brand><g:color>red</g:color>
<g:google_product_category>594</g:google_product_category>
<g:product_type>Home &gt; Lamps</g:product_type><g:product_type>Gifts &gt; Home</g:product_type>
<g:shipping><g:country>DE</g:country><g:price>5 EUR</g:price></g:shipping></item>
</channel></rss>
""",
        "Google Merchant feed",
        {"a1": ("Lamp red", 28, "Home > Lamps", "Lux")},
    ),
    "Google Merchant, Atom": (
        "feed.atom",
        """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:base="http://base.google.com/ns/1.0">
<title>Lux</title><link rel="self" href="https://x"/><id>tag:x</id>
<entry><id>tag:x/1</id><base:id>a1</base:id><title>Lamp red</title><link href="https://x/1"/>
<summary>A lamp</summary><base:price>1,280.00 EUR</base:price><base:brand>Lux</base:brand>
<base:product_type>Home &gt; Lamps</base:product_type></entry>
<entry><id>tag:x/2</id><base:id>a2</base:id><title>Lamp blue</title><link href="https://x/2"/>
<summary>A lamp</summary><base:price>30.00 EUR</base:price></entry></feed>
""",
        "Google Merchant feed",
        {"a1": ("Lamp red", 1280, "Home > Lamps", "Lux"), "a2": ("Lamp blue", 30, "", "")},
    ),
    "Yandex Market (YML)": (
        "market.xml",
        """<?xml version="1.0" encoding="windows-1251"?>
<yml_catalog date="2024-01-01"><shop><name>x</name><currencies><currency id="RUR" rate="1"/>
</currencies><offers><offer id="9" available="true"><price>990</price><vendor>Lux</vendor>
<name>Лампа</name><description>Тёплый свет</description></offer>
<offer id="10" available="true"><price>1990</price><vendor>Lux</vendor><name>Стол</name></offer>
</offers></shop></yml_catalog>
""".encode("windows-1251"),
        "",
        {"9": ("Лампа", 990, "", "Lux"), "10": ("Стол", 1990, "", "Lux")},
    ),
    "Shopify": (
        "products_export.csv",
        SHOPIFY,
        "Shopify product export",
        {
            "red-lamp": ("Red lamp", 19.9, "Lamps", "Lux"),
            "oak-desk": ("Oak desk", 199, "Desks", "Holz"),
        },
    ),
    "Shopify, columns of 2024": (
        "products.csv",
        "Title,URL handle,Description,Vendor,Product category,Type,Price\nLamp,lamp,Warm,Lux,Home > Lamps,,19\n",
        "Shopify product export (of 2024)",
        {"lamp": ("Lamp", 19, "Home > Lamps", "Lux")},
    ),
    "Shopify's products.json": (
        "products.json",
        json.dumps(
            {
                "products": [
                    {
                        "id": 1,
                        "handle": "lamp",
                        "title": "Lamp",
                        "body_html": "<p>Warm</p>",
                        "vendor": "Lux",
                        "product_type": "Lamps",
                        "created_at": "2024-01-01T10:00:00-05:00",
                        "variants": [{"price": "19.90"}, {"price": "29.90"}],
                    }
                ]
            }
        ),
        "Shopify products.json",
        {"lamp": ("Lamp", 19.9, "Lamps", "Lux")},
    ),
    "WooCommerce": (
        "wc-product-export.csv",
        WOO,
        "WooCommerce product export",
        {
            "cap": ("Cap", 16, "Clothing > Caps", ""),
            "tee-blue": ("T-Shirt - Blue", 20, "Clothing > Tshirts", ""),
            "tee-red": ("T-Shirt - Red", 21, "Clothing > Tshirts", ""),
        },
    ),
    "WooCommerce, parents by ID": (
        "wc.csv",
        "ID,Type,SKU,Name,Regular price,Categories,Parent\n1,variable,,Tee,,Shirts,\n2,variation,,Tee - Blue,20,,id:1\n",
        "WooCommerce product export",
        {"2": ("Tee - Blue", 20, "Shirts", "")},
    ),
    "WooCommerce by REST": (
        "products.json",
        json.dumps(
            [
                {
                    "id": 7,
                    "name": "Lamp",
                    "price": "19.90",
                    "regular_price": "24.90",
                    "categories": [{"id": 3, "name": "Lamps"}],
                    "stock_quantity": None,
                    "date_created": "2024-01-01T10:00:00",
                }
            ]
        ),
        "WooCommerce products by its REST interface",
        {"7": ("Lamp", 19.9, "Lamps", "")},
    ),
    "Google Merchant": (
        "feed.tsv",
        MERCHANT,
        "Google Merchant feed",
        {
            "a1": ("Lamp red", 28, "Home > Lamps", "Lux"),
            "a2": ("Lamp blue", 1280, "Home > Lamps", "Lux"),
        },
    ),
    "Facebook catalogue, which has the same columns": (
        "catalog.csv",
        "id,title,description,availability,condition,price,link,image_link,brand\n1,Lamp,A lamp,in stock,new,19.90 USD,x,y,Lux\n",
        "Google Merchant feed",
        {"1": ("Lamp", 19.9, "", "Lux")},
    ),
    "Google Retail": (
        "products.jsonl",
        _lines(
            {
                "id": "p1",
                "primaryProductId": "p1",
                "title": "Lamp",
                "categories": ["Home > Lamps", "Sale"],
                "brands": ["Lux"],
                "priceInfo": {"currencyCode": "USD", "price": 18},
                "attributes": {"material": {"text": ["steel"]}},
                "availableTime": "2024-01-01T00:00:00Z",
            },
            {
                "id": "p2",
                "title": "Desk",
                "categories": [],
                "priceInfo": {"currencyCode": "USD", "price": 64.5},
            },
            {
                "id": "p3",
                "title": "机",
                "categories": [],
                "priceInfo": {"currencyCode": "JPY", "price": 8000},
            },
        ),
        "Google Retail (Vertex AI Search for commerce) products",
        {"p1": ("Lamp", 18, "Home > Lamps", "Lux"), "p2": ("Desk", 64.5, "", "")},
    ),
    "Amazon Reviews 2023": (
        "meta_Office.jsonl",
        _lines(
            {
                "main_category": "Office Products",
                "title": "Paper clips",
                "average_rating": 4.4,
                "price": 5.99,
                "features": [],
                "description": ["Strong.", "Silver."],
                "store": "Clippy",
                "categories": ["Office Products", "Clips"],
                "details": {"Material": "steel"},
                "parent_asin": "B01",
            },
            {
                "main_category": None,
                "title": "Pens",
                "average_rating": 3.9,
                "price": None,
                "features": [],
                "description": [],
                "store": None,
                "categories": [],
                "details": {},
                "parent_asin": "B02",
            },
        ),
        "Amazon Reviews 2023, items",
        {
            "B01": ("Paper clips", 5.99, "Office Products > Clips", "Clippy"),
            "B02": ("Pens", None, "", ""),
        },
    ),
    "Amazon Reviews 2018": (
        "meta_Office.json",
        _lines(
            {
                "asin": "B01",
                "title": "Paper clips &amp; pins",
                "brand": "Clippy",
                "category": ["Office Products", "Clips"],
                "description": ["Strong"],
                "price": "$5.99",
            },
            {
                "asin": "B02",
                "title": "Pens",
                "brand": "",
                "category": [],
                "description": [],
                "price": "",
            },
        ),
        "Amazon Reviews 2014 or 2018, items",
        {
            "B01": ("Paper clips & pins", 5.99, "Office Products > Clips", "Clippy"),
            "B02": ("Pens", None, "", ""),
        },
    ),
    "Amazon Reviews 2014, brought into JSON": (
        "meta.json",
        _lines(
            {
                "asin": "B01",
                "title": "Clips",
                "price": 5.99,
                "categories": [["Office", "Clips"], ["Sale"]],
            }
        ),
        "Amazon Reviews 2014 or 2018, items",
        {"B01": ("Clips", 5.99, "Office > Clips", "")},
    ),
    "Shopping Queries (ESCI)": (
        "products.csv",
        "product_id,product_title,product_description,product_bullet_point,product_brand,product_color,product_locale\n"
        "B1,Lamp red,,Warm,Lux,red,us\nB2,Desk,,,Holz,,us\nB1,Lampe rot,,,Lux,rot,es\n",
        "Shopping Queries (ESCI), products",
        {"B1": ("Lamp red", None, "", "Lux"), "B2": ("Desk", None, "", "Holz")},
    ),
    "WANDS": (
        "product.csv",
        "product_id\tproduct_name\tproduct_class\tcategory hierarchy\tproduct_description\tproduct_features\trating_count\taverage_rating\treview_count\n"
        "0\tsolid wood platform bed\tBeds\tFurniture / Bedroom Furniture / Beds\tgood , deep sleep\toverallwidth-sidetoside:64.7|dsprimaryproductstyle : modern\t15.0\t4.5\t15.0\n"
        '1\t7" lamp\tLamps\tLighting / Lamps\t\t\t\t\t\n',
        "WANDS, products",
        {
            "0": ("solid wood platform bed", None, "Furniture > Bedroom Furniture > Beds", ""),
            "1": ('7" lamp', None, "Lighting > Lamps", ""),
        },
    ),
    "Best Buy": (
        "products.json",
        json.dumps(
            [
                {
                    "sku": 43900,
                    "name": "AAA batteries",
                    "type": "HardGood",
                    "price": 5.49,
                    "upc": "041333424019",
                    "category": [{"id": "c1", "name": "Power"}, {"id": "c2", "name": "Batteries"}],
                    "description": "Long",
                    "manufacturer": "Duracell",
                }
            ]
        ),
        "Best Buy, products",
        {"43900": ("AAA batteries", 5.49, "Power > Batteries", "Duracell")},
    ),
    "Flipkart (Kaggle)": (
        "flipkart.csv",
        "uniq_id,crawl_timestamp,product_name,product_category_tree,pid,retail_price,discounted_price,brand\n"
        'c2d7,2016-03-25 22:59:23 +0000,Cycling shorts,"[""Clothing >> Women\'s Clothing >> Shorts""]",SRT1,999,379,Alisha\n',
        "",
        {"c2d7": ("Cycling shorts", 999, "Clothing > Women's Clothing > Shorts", "Alisha")},
    ),
    "Amazon sales (Kaggle)": (
        "amazon.csv",
        "product_id,product_name,category,discounted_price,actual_price,rating,about_product\n"
        'B07,Charging cable,Computers|Accessories|Cables,₹399,"₹1,099.00",4.2,Durable\nB08,Cable,Computers|Cables,₹199,₹349,4.0,\n',
        "",
        {"B07": ("Charging cable", 1099, "Computers > Accessories > Cables", "")},
    ),
    "BigBasket (Kaggle)": (
        "bigbasket.csv",
        "index,product,category,sub_category,brand,sale_price,market_price,type,rating,description\n"
        "1,Garlic oil,Beauty & Hygiene,Hair Care,Sri,220.0,220.0,Hair Oil,4.1,Oil\n",
        "",
        {"1": ("Garlic oil", 220, "Beauty & Hygiene", "Sri")},
    ),
    "a German shop": (
        "artikel.csv",
        "Artikelnummer;Bezeichnung;Preis;Kategorie;Marke;Beschreibung\n100-1;Lampe, rot;1.299,00 €;Wohnen > Lampen;Lux;Hell\n",
        "",
        {"100-1": ("Lampe, rot", 1299, "Wohnen > Lampen", "Lux")},
    ),
    "a French shop": (
        "produits.csv",
        "Référence;Nom;Prix;Catégorie;Marque\nR1;Lampe;19,90;Maison;Lux\n",
        "",
        {"R1": ("Lampe", 19.9, "Maison", "Lux")},
    ),
    "a Russian WooCommerce": (
        "товары.csv",
        "\t\ufeffID,Артикул,Имя,Базовая цена,Категории\n1,L-1,Лампа,4990,Дом > Лампы\n",
        "",
        {"1": ("Лампа", 4990, "Дом > Лампы", "")},
    ),
    "a Japanese shop in Shift-JIS": (
        "item.csv",
        "商品コード,商品名,販売価格,カテゴリ\nA1,赤いランプ,1980円,家具\n".encode("shift_jis"),
        "",
        {"A1": ("赤いランプ", 1980, "家具", "")},
    ),
    "a Chinese shop": (
        "商品.csv",
        "商品编号,商品名称,价格,类目,品牌\n1,红色台灯,¥59.90,家居|灯具,光明\n",
        "",
        {"1": ("红色台灯", 59.9, "家居 > 灯具", "光明")},
    ),
    "hits of a search engine": (
        "hits.json",
        json.dumps(
            {
                "hits": {
                    "hits": [{"_id": "1", "_source": {"sku": "L1", "title": "Lamp", "price": 19}}]
                }
            }
        ),
        "",
        {"1": ("Lamp", 19, "", "")},
    ),
    "codes of categories beside their names": (
        "shop.csv",
        "id,title,price,category,category_name\n1,Lamp,10,17,Lamps\n2,Desk,20,18,Desks\n",
        "",
        {"1": ("Lamp", 10, "Lamps", "")},
    ),
}
