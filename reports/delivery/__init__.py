"""What leaves this machine, and what comes in from others: webhook, GitHub, artifacts. Nothing else uses a network."""
