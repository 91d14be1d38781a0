"""What joins pytest, the measuring side and the judging side. Decisions are plain functions; pytest is at the edge."""
