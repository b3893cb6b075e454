"""The language agent: text to words, values, language, politeness and screening."""
