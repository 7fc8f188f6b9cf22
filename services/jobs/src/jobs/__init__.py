"""Carries orders out at the provider and stores what comes back: the saga."""
