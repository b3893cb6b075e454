"""Room of the five-agent shop assistant; it will receive search, recommender and catalogue from the runtime."""
