"""Turn a pygame or Arcade game into a real-time multiplayer game."""
