"""Atelier on a bare machine: private nodes, the Python environment, and the whole stack."""
