"""fal's queue, webhooks and media as its documentation describes them, for the unmodified fal-client."""
