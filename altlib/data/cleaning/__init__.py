"""What is kept of collected posts, and why the rest is not."""
