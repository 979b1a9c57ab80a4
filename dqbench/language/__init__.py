"""Language models on instructions: tokens, training on answers alone, losses, bits per byte, embeddings of texts."""
