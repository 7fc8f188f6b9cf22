"""What is lifted after a restore."""

from chassis.lifting import Part

PARTS = (Part("curated models", "catalog.reference_models"), Part("models", "catalog.models"))
