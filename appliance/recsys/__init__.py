"""The recommender: generators, ranking, rules and explanations."""
