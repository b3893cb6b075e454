"""The demo shop: a generated catalogue of bags and shoes and simulated shoppers with tastes."""
