"""The HTTP server: application factory, routes, guards and the static storefront files."""
