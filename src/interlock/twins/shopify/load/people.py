"""Who buys in a busy shop: as many people as it needs, in several countries, some of whom come again and again."""

from __future__ import annotations

import random
from typing import NamedTuple

from interlock.twins.shopify.catalogue import Person

FIRST_CUSTOMER, APART = 7_300_000_000_000, 16
PEOPLE_PER_ORDER = 0.6
SKEW = 2.5
"""A draw of 0..1 to this power chooses the person: the faithful few buy often."""
SPREAD = 2_654_435_761
"""Knuth's multiplicative hash: neighbours by number live in different places."""
FIRSTS = (
    "Ada", "Ben", "Chloe", "David", "Emma", "Farah", "Goran", "Hanna", "Ivan", "Jana", "Kenji", "Lina", "Marco",
    "Nora", "Omar", "Petra", "Quinn", "Rosa", "Sven", "Tara", "Umut", "Vera", "Wim", "Yuki", "Zoe",
)  # fmt: skip
LASTS = (
    "Adler", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hughes", "Ito", "Jansen", "Kowalski", "Lopez",
    "Moreau", "Nguyen", "O'Brien", "Park", "Quist", "Rossi", "Schmidt", "Tanaka", "Ueda", "Varga", "Weber", "Young",
)  # fmt: skip
STREETS = ("Main Street", "Park Road", "Mill Lane", "Station Street", "Church Road", "High Street")


class Place(NamedTuple):
    """A city, and what share of a hundred buyers lives there."""

    share: int
    city: str
    zip: str
    province: str | None
    province_code: str | None
    country: str
    country_code: str
    locale: str


PLACES = (
    Place(22, "New York", "10001", "New York", "NY", "United States", "US", "en"),
    Place(16, "Austin", "73301", "Texas", "TX", "United States", "US", "en"),
    Place(14, "Portland", "97201", "Oregon", "OR", "United States", "US", "en"),
    Place(12, "Toronto", "M5H 2N2", "Ontario", "ON", "Canada", "CA", "en-CA"),
    Place(12, "Berlin", "10117", None, None, "Germany", "DE", "de"),
    Place(10, "London", "EC1A 1BB", None, None, "United Kingdom", "GB", "en-GB"),
    Place(8, "Stockholm", "111 34", None, None, "Sweden", "SE", "sv-SE"),
    Place(6, "Osaka", "530-0001", "Osaka", "JP-27", "Japan", "JP", "ja"),
)
BY_SHARE = tuple(place for place in PLACES for _ in range(place.share))


class Buyer(NamedTuple):
    """One person with the id and address that every order of theirs has."""

    person: Person
    customer_id: int
    email: str


def drawn(rng: random.Random, orders: int) -> Buyer:
    """Somebody of the people that so many orders come from."""
    return buyer(int(max(10, orders * PEOPLE_PER_ORDER) * rng.random() ** SKEW))


def buyer(number: int) -> Buyer:
    """The same number is the same person, in every load."""
    place = BY_SHARE[number * SPREAD % 2**32 * len(BY_SHARE) // 2**32]
    first, last = FIRSTS[number % len(FIRSTS)], LASTS[number // len(FIRSTS) % len(LASTS)]
    street = f"{1 + number % 180} {STREETS[number % len(STREETS)]}"
    person = Person(first, last, street, *place[1:])
    email = f"{first}.{last.replace(chr(39), '')}.{number}@example.com".lower()
    return Buyer(person, FIRST_CUSTOMER + number * APART, email)
