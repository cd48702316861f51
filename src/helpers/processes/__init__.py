"""What the operating system knows of processes: who is there, what for, and how to end what is ours."""
