"""Whoever the bench plays: a gateway on the bus, clients of the API, others on the same machine."""
