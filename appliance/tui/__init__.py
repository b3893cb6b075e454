"""Room of the Textual console; it imports the base only and talks to the admin API over HTTP."""
