"""Tag, played over the network: a pygame game made with pygase."""
