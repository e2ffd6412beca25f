"""Who may do what: the policy of rules and defaults."""
