"""Finding the definitions that code refers to, in any snapshot, without a compiler."""
