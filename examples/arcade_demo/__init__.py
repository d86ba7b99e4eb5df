"""A space arena, played over the network: an Arcade game made with pygase."""
