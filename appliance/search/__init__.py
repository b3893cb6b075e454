"""Product search: analysis, an in-memory inverted index, filters, facets and sorting."""
