"""The only place that knows adapters: a module for each process, so that none loads what another needs."""

NAME = "gateway"
