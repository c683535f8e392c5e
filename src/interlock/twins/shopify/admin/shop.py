"""The shop itself, and the versions of the API."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.versions import Versions

CREATED_AT = "2020-01-15T15:00:00Z"
PLANS = {"standard": "Basic", "advanced": "Advanced", "plus": "Shopify Plus", "enterprise": "Shopify Plus"}


def shop(context: ShopContext, _: Any, __: dict[str, Any]) -> dict[str, Any]:
    """QueryRoot.shop."""
    found, plan = context.shop, str(context.config.get("plan", "plus"))
    address = {"address1": "1 Main Street", "address2": None, "city": "New York", "company": found.name}
    place = {"country": "United States", "countryCodeV2": "US", "province": "New York", "provinceCode": "NY"}
    rest = {"coordinatesValidated": True, "latitude": 40.7128, "longitude": -74.006, "phone": None, "zip": "10001"}
    shown = {"formatted": [found.name, "1 Main Street", "New York NY 10001"], "formattedArea": "New York NY"}
    domain = {"host": found.domain, "sslEnabled": True, "url": f"https://{found.domain}"}
    return {
        "id": gid("Shop", found.shop_id),
        "name": found.name,
        "email": f"owner@{found.domain}",
        "contactEmail": f"owner@{found.domain}",
        "myshopifyDomain": found.domain,
        "url": f"https://{found.domain}",
        "currencyCode": found.currency,
        "enabledPresentmentCurrencies": sorted({found.currency, "CAD", "EUR", "GBP", "JPY", "USD"}),
        "ianaTimezone": found.iana_timezone,
        "taxesIncluded": False,
        "taxShipping": False,
        "weightUnit": "KILOGRAMS",
        "createdAt": CREATED_AT,
        "updatedAt": CREATED_AT,
        "plan": {
            "displayName": PLANS[plan],
            "publicDisplayName": PLANS[plan],
            "shopifyPlus": plan in {"plus", "enterprise"},
            "partnerDevelopment": False,
        },
        "shopAddress": {"id": gid("ShopAddress", found.shop_id), **address, **place, **rest, **shown},
        "primaryDomain": {"id": gid("Domain", found.shop_id), **domain},
    }


def public_api_versions(context: ShopContext, _: Any, __: dict[str, Any]) -> list[dict[str, Any]]:
    """QueryRoot.publicApiVersions, oldest first; the release candidate and unstable are not supported."""
    return Versions(context.config).public()


RESOLVERS: dict[str, Resolver] = {"QueryRoot.shop": shop, "QueryRoot.publicApiVersions": public_api_versions}
NODES = {"Shop": lambda context, number: shop(context, None, {}) if number == str(context.shop.shop_id) else None}
