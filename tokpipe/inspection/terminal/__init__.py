"""What inspection found, laid out for a terminal: rich `Text` only, never markup."""
