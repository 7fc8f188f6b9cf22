"""Stand-ins that speak the real protocols of fal and S3."""
