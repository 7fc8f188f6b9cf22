"""The hosted pages: plain forms, no script, readable by people and by programs."""
