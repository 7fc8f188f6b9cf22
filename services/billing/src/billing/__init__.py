"""Plans and the periods that bring credits."""
