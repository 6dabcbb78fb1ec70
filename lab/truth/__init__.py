"""How often the notices are true: results as data, and a page, from runs that no fit saw."""
