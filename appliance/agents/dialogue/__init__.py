"""What a conversation remembers from one turn to the next."""
