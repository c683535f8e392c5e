"""What the imagined shop sells and to whom: the data that generated orders are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class Product(NamedTuple):
    """A variant for sale; `price` is in the shop's unit times the price level of its currency."""

    product_id: int
    variant_id: int
    title: str
    variant_title: str | None
    sku: str
    price: Decimal
    grams: int
    vendor: str = "Northwind Outfitters"

    @property
    def name(self) -> str:
        return f"{self.title} - {self.variant_title}" if self.variant_title else self.title


PRODUCTS = tuple(
    Product(
        7_880_000_000_000 + number * 32_768,
        44_870_000_000_000 + number * 32_768,
        title,
        variant,
        sku,
        Decimal(price),
        grams,
    )
    for number, (title, variant, sku, price, grams) in enumerate(
        [
            ("Aviator sunglasses", None, "SUN-AVI", "89.99", 100),
            ("Merino crew sweater", "Navy / M", "SWT-NAV-M", "119.00", 420),
            ("Merino crew sweater", "Navy / L", "SWT-NAV-L", "119.00", 440),
            ("Canvas tote", None, "TOTE-01", "24.50", 310),
            ("Trail running shoes", "43", "SHOE-43", "139.95", 780),
            ("Stainless bottle 750 ml", "Green", "BTL-750-G", "29.90", 260),
            ("Wool socks, 3 pairs", "39-42", "SOCK-3-39", "18.75", 150),
            ("Enamel mug", "White", "MUG-W", "14.20", 340),
            ("Rain jacket", "Red / S", "JKT-RED-S", "189.00", 610),
            ("Coffee beans 1 kg", "Espresso", "COF-1K-E", "27.35", 1000),
            ("Desk lamp", None, "LAMP-07", "74.99", 1850),
            ("Notebook A5 dotted", None, "NB-A5-D", "9.95", 290),
        ]
    )
)

GIFT_CARD = Product(
    7_899_000_000_000, 44_899_000_000_000, "Gift card", "$50.00", "GIFT-50", Decimal(50), 0, vendor="Snowdevil"
)


class Person(NamedTuple):
    first: str
    last: str
    address1: str
    city: str
    zip: str
    province: str | None
    province_code: str | None
    country: str
    country_code: str
    locale: str = "en"


PEOPLE = (
    Person("Jon", "Snow", "123 Billing Street", "Lexington", "40003", "Kentucky", "KY", "United States", "US"),
    Person("Maria", "Lopez", "2259 Park Ct", "Ottawa", "K2H7A8", "Ontario", "ON", "Canada", "CA", "en-CA"),
    Person("Anna", "Berg", "Sveavagen 44", "Stockholm", "111 34", None, None, "Sweden", "SE", "sv-SE"),
    Person("Tom", "O'Brien", "7 Quay St", "Galway", "H91 X2KT", None, None, "Ireland", "IE", "en-IE"),
    Person("Lena", "Schmidt", "Hauptstr. 5", "Berlin", "10117", None, None, "Germany", "DE", "de"),
)

# Many scripts, combining marks, right to left, joined emoji: what escapes and byte signatures trip over.
NON_ASCII_PEOPLE = (
    Person(
        "Bj\u00f6rk",
        "Gu\u00f0mundsd\u00f3ttir",
        "Laugavegur 26",
        "Reykjav\u00edk",
        "101",
        None,
        None,
        "Iceland",
        "IS",
        "is",
    ),
    Person(
        "\u592a\u90ce",
        "\u5c71\u7530",
        "\u5343\u4ee3\u7530\u533a\u4e38\u306e\u51851-1",
        "\u6771\u4eac",
        "100-0005",
        "\u6771\u4eac\u90fd",
        "JP-13",
        "Japan",
        "JP",
        "ja",
    ),
    Person(
        "\u0645\u062d\u0645\u062f",
        "\u0627\u0644\u0639\u0644\u064a",
        "\u0634\u0627\u0631\u0639 \u0627\u0644\u062e\u0644\u064a\u062c 12",
        "\u0627\u0644\u0643\u0648\u064a\u062a",
        "13001",
        None,
        None,
        "Kuwait",
        "KW",
        "ar",
    ),
    Person(
        "\u041e\u043b\u0435\u043d\u0430",
        "\u0406\u0432\u0430\u043d\u0435\u043d\u043a\u043e",
        "\u0432\u0443\u043b. \u0425\u0440\u0435\u0449\u0430\u0442\u0438\u043a 1",
        "\u041a\u0438\u0457\u0432",
        "01001",
        None,
        None,
        "Ukraine",
        "UA",
        "uk",
    ),
    Person(
        "Nguye\u0302\u0303n",
        "V\u0103n \u0110\u1ea1t",
        "12 Ph\u1ed1 Hu\u1ebf",
        "H\u00e0 N\u1ed9i",
        "100000",
        None,
        None,
        "Vietnam",
        "VN",
        "vi",
    ),
    Person(
        "\u0905\u0928\u0928\u094d\u092f\u093e",
        "\u0936\u0930\u094d\u092e\u093e",
        "\u090f\u092e\u091c\u0940 \u0930\u094b\u0921 5/2",
        "\u092e\u0941\u0902\u092c\u0908",
        "400001",
        "Maharashtra",
        "MH",
        "India",
        "IN",
        "hi",
    ),
)
NON_ASCII_NOTES = (
    "Bitte klingeln bei M\u00fcller/\u00d6zg\u00fcr \U0001f6aa",
    "\u914d\u9001\u306f\u5348\u5f8c\u306b\u304a\u9858\u3044\u3057\u307e\u3059",
    "\u05dc\u05d4\u05e9\u05d0\u05d9\u05e8 \u05dc\u05d9\u05d3 \u05d4\u05d3\u05dc\u05ea",
    "\u0e1d\u0e32\u0e01\u0e44\u0e27\u0e49\u0e17\u0e35\u0e48\u0e44\u0e23 \U0001f468\u200d\U0001f469\u200d\U0001f467",
)


class TaxRule(NamedTuple):
    title: str
    rate: Decimal


SALES_TAX = (TaxRule("State Tax", Decimal("0.06")), TaxRule("County Tax", Decimal("0.0125")))
VAT_25 = (TaxRule("VAT", Decimal("0.25")),)
VAT_19 = (TaxRule("MwSt", Decimal("0.19")),)
CONSUMPTION_TAX = (TaxRule("CT", Decimal("0.1")),)
TEN_PERCENT = (TaxRule("Tax", Decimal("0.1")),)
HST = (TaxRule("HST", Decimal("0.13")),)

# How far prices of the catalogue (written in US dollars) are multiplied for a shop in another currency.
PRICE_LEVEL = {"USD": "1", "CAD": "1.35", "EUR": "0.92", "GBP": "0.79", "JPY": "149.3", "KWD": "0.307", "SEK": "10.4"}


@dataclass(frozen=True, slots=True)
class Shop:
    """The merchant that the twin plays.

    `id_base` is where order ids start; set it above 2**53 to make every id of the shop one that a float cannot hold.
    """

    domain: str = "interlock-demo.myshopify.com"
    name: str = "Interlock Demo"
    shop_id: int = 54_838_000_9
    currency: str = "USD"
    iana_timezone: str = "America/New_York"
    location_id: int = 655_441_491
    id_base: int = 5_300_000_000_000
