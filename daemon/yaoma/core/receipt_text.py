"""Receipt text: what the customer's receipt says of each drug and its trace codes, and never of a person.

Whether a receipt may leave out a part of a code is nowhere said (DOMAIN.md 8, no. 9), so every code is whole.
"""

from collections.abc import Callable, Iterable

from yaoma.core.code import from_key
from yaoma.core.policy import Policy
from yaoma.core.product import Product
from yaoma.core.report_facts import Event, text_of
from yaoma.core.report_history import flows
from yaoma.core.report_ticket import product_key_of
from yaoma.core.trace_code import Cn20, CodeError, Gs1, Other

__all__ = ["code_on_receipt", "receipt_lines"]


def receipt_lines(
    events: Iterable[Event], ticket: str, *, product: Callable[[str], Product | None], policy: Policy, language: str
) -> list[str]:
    """Give the lines of a receipt: each drug with its codes, in scanning order; none before the ticket is closed.

    Args:
        events: The ticket's records, in order; records of others are passed over.
        ticket: The ticket's id.
        product: Gives the product behind a product key, or None.
        policy: Says how a line reads (S1-17, S3-13).
        language: `zh-CN` or `en`.
    """
    its_own = (event for event in events if text_of(event.fields, "ticket") == ticket)
    codes: dict[str, list[str]] = {}
    for code, flow in flows(its_own).items():
        if flow.effects():
            found = product(product_key_of(code))
            codes.setdefault(found.name if found else "", []).append(code_on_receipt(code))
    template = policy.receipt_text.said(language)
    # Not str.format: a name from a list may hold braces.
    return [
        template.replace("{codes}", " ".join(keys)).replace("{product}", name).strip() for name, keys in codes.items()
    ]


def code_on_receipt(key: str) -> str:
    """Write a code as a customer compares it with the pack: the digits, or the GS1 fields in brackets.

    Args:
        key: Key of a pack.
    """
    try:
        code = from_key(key)
    except CodeError:
        return key
    match code:
        case Cn20(digits):
            return digits
        case Gs1():
            return f"(01){code.gtin}(21){code.serial}"
        case Other():
            return code.text
