class CannotStart(Exception):
    """Something this machine lacks or refuses; the message is one line that says what to do."""
