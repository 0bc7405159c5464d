"""Where datasets come from: files and the lake. Each module reads one kind and says by line what is wrong with it."""
