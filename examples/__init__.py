"""Games made with pygase, to play, to read and to start from."""
