"""One measured table or explorer of one notebook each; none imports another."""
