"""What may a program of the repository do? How it is kept from everything else."""
