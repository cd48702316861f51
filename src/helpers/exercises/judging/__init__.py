"""The machinery behind `check`: which exercises there are, how an answer is judged, what is said about it."""
