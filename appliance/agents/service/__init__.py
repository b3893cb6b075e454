"""The service agent: the owner's policies and answers, orders once verified, and the way to a person."""
