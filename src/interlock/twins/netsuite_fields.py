"""The property names the NetSuite twin knows, a subset of Oracle's REST API browser, release 2026.1.

Source: wsjmnh/netsuite-record-rest-docs docs/schemas/salesOrder.md, customer.md, creditMemo.md,
customerRefund.md and returnAuthorization.md (browser release 2026.1).
Oracle's own samples write some names in lower case ("otherrefnum", "isclosed"), so names are matched without case.
"""

from __future__ import annotations

_ORDER = """
actualShipDate altHandlingCost altSalesTotal altShippingCost amountAuthorized billAddress billAddressList
billingAddress billingSchedule cardholderAuthentication checkNumber class couponCode createdDate createdFrom currency
customForm department discountAmount discountDate discountItem discountRate discountTotal drAccount dueDate email
endDate entity entityTaxRegNum estGrossProfit exchangeRate excludeCommission externalId fob fxAccount giftCertApplied
giftCertRedemption handlingCost handlingMode handlingTaxAmount handlingTaxCode id intercoStatus isCrossSubTransaction
isMultiShipTo isTaxable item job lastModifiedDate leadSource linkedTrackingNumbers links location memo message
messageSel needsPick nexus opportunity orderStatus orderType originator otherRefNum outputAuthCode outputReferenceCode
overrideShippingCost partner partners payPalAuthId payPalTranId paymentOperation paymentOption
paymentProcessingProfile prevDate promoCode promotions refName requiredDepositAmount requiredDepositDue
requiredDepositPercentage salesChannel salesEffectiveDate salesGroup salesRep salesTeam shipAddress shipAddressList
shipComplete shipDate shipGroup shipIsResidential shipMethod shipOverride shippingAddress shippingCost
shippingCostOverridden shippingTax1Rate shippingTax2Rate shippingTaxAmount shippingTaxCode source sourceSystem
sourceWebSite startDate status storeOrder subsidiary subsidiaryTaxRegNum subtotal syncPartnerTeams syncSalesTeams
tax2Total taxDetails taxDetailsOverride taxItem taxPointDate taxPointDateOverride taxRate taxRegOverride taxTotal
terms toBeEmailed toBeFaxed toBePrinted total tranDate tranId transactionNumber vatRegNum webSite webStore
"""

_CREDIT = """
account amountPaid amountRemaining applied apply autoApply billAddress billAddressList billingAddress class couponCode
createdDate createdFrom currency customForm deletionReason department discountAmount discountDate discountItem
discountRate discountTotal dueDate email endDate entity estGrossProfit exchangeRate excludeCommission externalId fax
handlingCost id intercoStatus isTaxable item job lastModifiedDate leadSource links location memo message messageSel
nexus originator otherRefNum partner partners postingPeriod prevDate promoCode promotions refName salesEffectiveDate
salesGroup salesRep salesTeam shipAddress shipAddressList shipDate shipMethod shippingAddress shippingCost
shippingTaxAmount source sourceSystem startDate status subsidiary subsidiaryTaxRegNum subtotal taxDetails
taxDetailsOverride taxItem taxPointDate taxRate taxRegOverride taxTotal terms toBeEmailed toBeFaxed toBePrinted total
totalAfterTaxes tranDate tranId transactionNumber
"""

_RETURN = """
altSalesTotal appliedRules billAddress billAddressList billingAddress checkNumber class couponCode createdDate createdFrom
currency customForm deletionReason deletionReasonMemo department discountItem discountRate discountTotal drAccount email
entity estGrossProfit exchangeRate excludeCommission externalId fax id intercoStatus isTaxable item job lastModifiedDate
leadSource links location memo message messageSel nexus orderStatus originator otherRefNum partner partners paymentOption
prevDate promoCode promotions refName salesEffectiveDate salesGroup salesRep salesTeam shipAddress shipAddressList
shippingAddress source sourceSystem status storeOrder subsidiary subtotal taxDetails taxDetailsOverride taxItem
taxPointDate taxRate taxRegOverride taxTotal toBeEmailed toBeFaxed toBePrinted total totalAfterTaxes tranDate tranId
transactionNumber transactionToRefund vatRegNum webSite
"""

_REFUND = """
account address apply arAcct balance cardSwipe cardholderAuthentication checkNumber class cleared clearedDate
consolidateBalance createdDate currency customForm customer deletionReason deletionReasonMemo department deposit
exchangeRate externalId handlingMode id lastModifiedDate links location memo nexus outputAuthCode outputReferenceCode
payeeAddress payeeAddressList paymentOperation paymentOption paymentProcessingProfile postingPeriod prevDate refName
status subsidiary toBePrinted total tranDate tranId transactionNumber transactionToRefund voidJournal
"""

_APPLY = "amount apply applyDate createdFrom currency disc doc due job line links refName refNum total type"

_LINE = """
altSalesAmt amount billingSchedule class closeDate commitInventory commitmentFirm costEstimate costEstimateRate
costEstimateType createPo createdPo deferRevRec department description excludeFromRateRequest expectedShipDate
giftCertFrom giftCertMessage giftCertNumber giftCertRecipientEmail giftCertRecipientName grossAmt inventoryDetail
inventorylocation inventorysubsidiary isClosed isEstimate isOpen isTaxable item itemSubtype itemType line
lineUniqueKey linked links location marginal options orderPriority poRate poVendor price printItems quantity
quantityAvailable quantityBackOrdered quantityBilled quantityCommitted quantityFulfilled quantityReceived rate rateIncludingTax refName
requestedDate serialNumbers shipAddress shipCarrier shipGroup shipMethod subsidiary tax1Amt taxAmount taxCode
taxDetailsReference taxRate1 taxRate2 units orderLine itemReceive
"""

_ADDRESS = """
addr1 addr2 addr3 addrPhone addrText addressee attention city country externalId lastModifiedDate links override
refName state zip
"""

_TAX_DETAIL = """
calcDetail lineName lineType links netAmount refName taxAmount taxBasis taxCode taxDetailsReference taxRate taxType
"""

_CUSTOMER = """
accountNumber addressBook altEmail altName altPhone autoName balance category comments companyName contact creditLimit
currency currencyList customForm dateCreated defaultAddress drAccount email emailPreference emailTransactions endDate
entityId entityStatus externalId fax firstName globalSubscriptionStatus homePhone id image isInactive isPerson
language lastModifiedDate lastName leadSource links middleName mobilePhone parent partner phone phoneticName
priceLevel printTransactions receivablesAccount refName representingSubsidiary resaleNumber salesRep salutation
shipComplete shippingItem startDate subscriptions subsidiary taxItem taxRegistration taxable terms territory title
unsubscribe url vatRegNumber webLead
"""

_ADDRESS_BOOK = """
addressBookAddress addressBookAddress_text addressId defaultBilling defaultShipping id internalId isResidential label
links override refName
"""

_GIFT_CERTIFICATE = "authCode authCodeApplied links refName"
_SUBLIST = "count hasMore items links offset totalResults"


def _table(names: str) -> dict[str, str]:
    return {name.lower(): name for name in names.split()}


FIELDS: dict[str, dict[str, str]] = {
    "salesOrder": _table(_ORDER),
    "invoice": _table(_ORDER),
    "itemFulfillment": _table(_ORDER + " shipStatus packageUps package"),
    "creditMemo": _table(_CREDIT),
    "customerRefund": _table(_REFUND),
    "returnAuthorization": _table(_RETURN),
    "itemReceipt": _table(_RETURN),
    "applyLine": _table(_APPLY),
    "customer": _table(_CUSTOMER),
    "line": _table(_LINE),
    "address": _table(_ADDRESS),
    "taxDetail": _table(_TAX_DETAIL),
    "addressBookLine": _table(_ADDRESS_BOOK),
    "giftCertificate": _table(_GIFT_CERTIFICATE),
    "sublist": _table(_SUBLIST),
}
"""Known names by the kind of object, each under its lower-case form."""

CHILDREN: dict[str, str] = {
    "billingAddress": "address",
    "shippingAddress": "address",
    "addressBookAddress": "address",
}
"""Members that are objects with known members of their own."""

SUBLISTS: dict[str, str] = {
    "item": "line",
    "apply": "applyLine",
    "taxDetails": "taxDetail",
    "addressBook": "addressBookLine",
    "giftCertRedemption": "giftCertificate",
}
"""Members of a record that are sublists ({"items": [...]}) and what their lines are."""

READ_ONLY = frozenset(
    {
        "id",
        "links",
        "refName",
        "createdDate",
        "dateCreated",
        "lastModifiedDate",
        "status",
        "subtotal",
        "total",
        "tranId",
        "amountPaid",
        "amountRemaining",
        "applied",
    }
)
"""What a client may send (a GET echoed back) and the twin works out by itself."""

CUSTOM_PREFIXES = ("custbody", "custcol", "custentity")

STATUS_NAMES = {
    "A": "Pending Approval",
    "B": "Pending Fulfillment",
    "C": "Cancelled",
    "D": "Partially Fulfilled",
    "E": "Pending Billing/Partially Fulfilled",
    "F": "Pending Billing",
    "G": "Billed",
    "H": "Closed",
}
"""salesOrder.status; A and B are also what orderStatus may be set to (docs.oracle.com section_159795516182)."""
