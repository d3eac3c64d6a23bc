"""How a model family reads an example: dialects, the tokenizer, budgets and loss spans."""
