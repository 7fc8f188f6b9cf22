"""What the tests read out of Stripe's objects."""


def item(subscription):
    """Return the one item of a subscription."""
    return subscription["items"].data[0]


def lines(invoice):
    """Return the lines of an invoice: amount, whether it is a proration, price."""
    return [
        (line.amount, line.parent.subscription_item_details.proration, line.pricing.price_details.price)
        for line in invoice.lines.data
    ]
