"""The clients' side: identity, admission, views of everybody's public documents."""
