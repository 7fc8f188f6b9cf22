"""`make demo`: the whole of Atelier in a minute, with nothing hidden."""
