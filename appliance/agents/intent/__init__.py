"""The intent agent: what is asked for, with which values, and how sure that is."""
