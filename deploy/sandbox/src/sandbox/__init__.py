"""Stand-ins that speak the real protocols of fal, S3 and Stripe."""
