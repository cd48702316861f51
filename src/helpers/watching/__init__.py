"""Who ran what, when: recorded in the workers, drawn as lanes."""
