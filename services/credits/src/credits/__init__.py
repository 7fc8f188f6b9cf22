"""Accounts, holds and the ledger: every credit accounted for."""
