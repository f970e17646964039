"""Learners: progress and leaderboard."""
