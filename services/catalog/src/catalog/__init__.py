"""Curated reference models and the teams' own models."""
