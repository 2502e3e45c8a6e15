"""The ledger made anew: rebuilt from both sides, or put under the keys of another dialect."""
