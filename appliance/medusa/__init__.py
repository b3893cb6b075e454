"""Room of the Medusa client and synchronisation: the only code that will know Medusa."""
