"""A house that has grown: what one real customer left in every table, many times over."""
