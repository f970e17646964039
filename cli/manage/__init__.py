"""Commands that manage courses, keys, subscriptions and tokens."""
