class Disappointed(Exception):
    """Something is not as it was promised; the message says what."""
