"""What did a model make of edits? The results of `rsidx eval`, as far as rows are made of them."""
