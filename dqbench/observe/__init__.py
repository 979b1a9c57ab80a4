"""What is read off an observer: features, logits, last-layer gradients."""
